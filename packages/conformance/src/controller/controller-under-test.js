import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, RegistryService } from '@kplug/protocol';
import { NotMet, NotTried } from '../requirement.js';
import { DelegatedTrial } from './delegated/delegated-trial.js';
import { PluginStandIn } from './plugin-stand-in.js';
import { SessionTrial } from './session-trial.js';

/** The plugin API that is registered: one that no delegation asks for, so that no resource is handed over. */
const api = 'KplugConformance';
/** How long a controller has to answer, in milliseconds. */
export const answerTime = 5_000;
/** The controller that is tried, from a plugin's side. */
export class ControllerUnderTest {
  address;
  client;
  #plugin;
  #delegated;
  #instanceIds = new Set();
  #sessions = [];
  constructor(address, plugin) {
    this.address = address;
    this.client = connect(address);
    this.#plugin = plugin;
  }
  static async reach(address) {
    return new ControllerUnderTest(address, await PluginStandIn.start());
  }
  /** Has resources delegated from now on. Rejects as `DelegatedTrial.open` does. */
  async delegate(options) {
    this.#delegated = await DelegatedTrial.open(this, options);
  }
  /** Resources that are delegated. Throws `NotTried` where there are none. */
  get delegated() {
    if (this.#delegated) return this.#delegated;
    throw new NotTried('it needs resources that are delegated: give --api, --resource and --manifests');
  }
  /** A registration that every controller accepts, of a process of its own; with what is to be otherwise. */
  registration(otherwise = {}) {
    const instanceId = otherwise.instanceId ?? `conformance-${randomUUID()}`;
    if (instanceId) this.#instanceIds.add(instanceId);
    this.#plugin.instanceId = instanceId;
    return {
      plugin: 'Conformance',
      version: '1.0.0',
      apis: [{ name: api, version: '1.0.0' }],
      // An empty host is where it comes from.
      address: `:${this.#plugin.port}`,
      ...otherwise,
      instanceId,
    };
  }
  /** Beats by Heartbeat. */
  heartbeat(registration) {
    return this.client.heartbeat({ registration }, { deadline: Date.now() + answerTime });
  }
  /** Beats by Heartbeat, and demands to be accepted. */
  async accepted(registration) {
    const { answer } = await this.heartbeat(registration);
    if (answer.case === 'lease') return answer.value;
    throw new NotMet(`a refusal: ${answer.value?.message ?? 'nothing'}`, 'a lease');
  }
  /** Opens a session, which ends with the trial. */
  session() {
    const session = new SessionTrial(this.client);
    this.#sessions.push(session);
    return session;
  }
  /** The instance as the controller knows it; `undefined` when it doesn't. */
  async known(instanceId = '') {
    const { instances } = await this.client.listPlugins({ api }, { deadline: Date.now() + answerTime });
    return instances.find(({ registration }) => registration?.instanceId === instanceId);
  }
  /** Deregisters what was registered: it goes with its lease. */
  async [Symbol.asyncDispose]() {
    await this.#delegated?.[Symbol.asyncDispose]();
    for (const session of this.#sessions) session.end();
    const deadline = Date.now() + answerTime;
    const told = [...this.#instanceIds].map((instanceId) => this.client.deregister({ instanceId }, { deadline }));
    await Promise.allSettled(told);
    this.client.$client.close();
    this.#plugin.close();
  }
}
function connect(address) {
  return createGrpcClient(RegistryService, address, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
}
//# sourceMappingURL=controller-under-test.js.map
