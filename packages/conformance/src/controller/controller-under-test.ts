import { randomUUID, X509Certificate } from 'node:crypto';
import type { PluginInstance } from '@kplug/protocol';
import type { ControllerTimes, DelegatedOptions } from '../options.ts';
import type { KeyPair } from '../plugin/credentials.ts';
import { NotTried } from '../requirement.ts';
import type { ControllerAccess } from './controller-access.ts';
import { ControllerClient, type RegistrationInit } from './controller-client.ts';
import { DelegatedResources } from './delegated/delegated-resources.ts';
import { InfoServer } from './info-server.ts';
import { makeCertificate } from './own-certificate.ts';
import { ProbeSession } from './probe-session.ts';

/** Plugin API of the registrations. No delegation uses it, so the controller delegates no resource to them. */
const api = 'KplugConformance';

/** Controller under test, from a plugin's side. */
export class ControllerUnderTest extends ControllerClient implements AsyncDisposable {
  readonly #infoServer: InfoServer;
  #delegated: DelegatedResources | undefined;
  readonly #instanceIds = new Set<string>();
  readonly #sessions: ProbeSession[] = [];

  private constructor(
    address: string,
    times: ControllerTimes,
    infoServer: InfoServer,
    { access, own }: { access?: ControllerAccess | undefined; own?: KeyPair | undefined },
  ) {
    super(address, times, access, own);
    this.#infoServer = infoServer;
  }

  /** Connects to a controller. With TLS, the instances of the suite serve with a certificate, which they register. */
  static async connect(
    address: string,
    times: ControllerTimes,
    access?: ControllerAccess,
  ): Promise<ControllerUnderTest> {
    const own = access?.credentials && (await makeCertificate());
    return new ControllerUnderTest(address, times, await InfoServer.start(own), { access, own });
  }

  /** Enables requirements that need delegated resources. Rejects as `DelegatedResources.open` does. */
  async delegate(options: DelegatedOptions): Promise<void> {
    this.#delegated = await DelegatedResources.open(this, options);
  }

  /** Delegated resources. Throws `NotTried` when there are none. */
  get delegated(): DelegatedResources {
    if (this.#delegated) return this.#delegated;
    throw new NotTried('needs delegated resources: give --api, --resource and --manifests');
  }

  /** Returns a valid registration with a new instance id, changed by `overrides`. */
  registration(overrides: Partial<RegistrationInit> = {}): RegistrationInit {
    const instanceId = overrides.instanceId ?? `conformance-${randomUUID()}`;
    if (instanceId) this.#instanceIds.add(instanceId);
    this.#infoServer.instanceId = instanceId;
    return {
      plugin: 'Conformance',
      version: '1.0.0',
      apis: [{ name: api, version: '1.0.0' }],
      // An empty host means the host that the registration comes from.
      address: `:${this.#infoServer.port}`,
      ...(this.own && { certificate: new X509Certificate(this.own.cert).raw }),
      ...overrides,
      instanceId,
    };
  }

  /** Opens a session. It ends when the suite ends. @param metadata default: that of the suite's instances. */
  session(metadata = this.metadata): ProbeSession {
    const session = new ProbeSession({ client: this.client, metadata }, this.times.answer);
    this.#sessions.push(session);
    return session;
  }

  /** Returns an instance from the controller's registry; `undefined` when it is not listed. */
  async find(instanceId = ''): Promise<PluginInstance | undefined> {
    const { instances } = await this.client.listPlugins({ api }, this.callOptions);
    return instances.find(({ registration }) => registration?.instanceId === instanceId);
  }

  /** Deregisters all instances. They expire with their leases. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#delegated?.[Symbol.asyncDispose]();
    for (const session of this.#sessions) session.end();
    const { callOptions } = this;
    const calls = [...this.#instanceIds].map((instanceId) => this.client.deregister({ instanceId }, callOptions));
    await Promise.allSettled(calls);
    this.closeClients();
    this.#infoServer.close();
  }
}
