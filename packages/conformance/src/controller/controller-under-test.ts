import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  createGrpcClient,
  type GrpcClient,
  type HeartbeatResponse,
  type Lease,
  type PluginInstance,
  type RegistrationSchema,
  RegistryService,
} from '@kplug/protocol';
import { NotMet, NotTried } from '../requirement.ts';
import { type DelegatedOptions, DelegatedTrial } from './delegated/delegated-trial.ts';
import { PluginStandIn } from './plugin-stand-in.ts';
import { SessionTrial } from './session-trial.ts';

/** A registration, as it is sent. */
export type RegistrationInit = Exclude<MessageInitShape<typeof RegistrationSchema>, { $typeName: string }>;

/** The plugin API that is registered: one that no delegation asks for, so that no resource is handed over. */
const api = 'KplugConformance';

/** How long a controller has to answer, in milliseconds. */
export const answerTime = 5_000;

/** The controller that is tried, from a plugin's side. */
export class ControllerUnderTest implements AsyncDisposable {
  readonly address: string;
  readonly client: GrpcClient<typeof RegistryService>;
  readonly #plugin: PluginStandIn;
  #delegated: DelegatedTrial | undefined;
  readonly #instanceIds = new Set<string>();
  readonly #sessions: SessionTrial[] = [];

  private constructor(address: string, plugin: PluginStandIn) {
    this.address = address;
    this.client = connect(address);
    this.#plugin = plugin;
  }

  static async reach(address: string): Promise<ControllerUnderTest> {
    return new ControllerUnderTest(address, await PluginStandIn.start());
  }

  /** Has resources delegated from now on. Rejects as `DelegatedTrial.open` does. */
  async delegate(options: DelegatedOptions): Promise<void> {
    this.#delegated = await DelegatedTrial.open(this, options);
  }

  /** Resources that are delegated. Throws `NotTried` where there are none. */
  get delegated(): DelegatedTrial {
    if (this.#delegated) return this.#delegated;
    throw new NotTried('it needs resources that are delegated: give --api, --resource and --manifests');
  }

  /** A registration that every controller accepts, of a process of its own; with what is to be otherwise. */
  registration(otherwise: Partial<RegistrationInit> = {}): RegistrationInit {
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
  heartbeat(registration: RegistrationInit): Promise<HeartbeatResponse> {
    return this.client.heartbeat({ registration }, { deadline: Date.now() + answerTime });
  }

  /** Beats by Heartbeat, and demands to be accepted. */
  async accepted(registration: RegistrationInit): Promise<Lease> {
    const { answer } = await this.heartbeat(registration);
    if (answer.case === 'lease') return answer.value;
    throw new NotMet(`a refusal: ${answer.value?.message ?? 'nothing'}`, 'a lease');
  }

  /** Opens a session, which ends with the trial. */
  session(): SessionTrial {
    const session = new SessionTrial(this.client);
    this.#sessions.push(session);
    return session;
  }

  /** The instance as the controller knows it; `undefined` when it doesn't. */
  async known(instanceId = ''): Promise<PluginInstance | undefined> {
    const { instances } = await this.client.listPlugins({ api }, { deadline: Date.now() + answerTime });
    return instances.find(({ registration }) => registration?.instanceId === instanceId);
  }

  /** Deregisters what was registered: it goes with its lease. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#delegated?.[Symbol.asyncDispose]();
    for (const session of this.#sessions) session.end();
    const deadline = Date.now() + answerTime;
    const told = [...this.#instanceIds].map((instanceId) => this.client.deregister({ instanceId }, { deadline }));
    await Promise.allSettled(told);
    this.client.$client.close();
    this.#plugin.close();
  }
}

function connect(address: string): GrpcClient<typeof RegistryService> {
  return createGrpcClient(RegistryService, address, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
}
