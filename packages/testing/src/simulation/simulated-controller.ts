import { create } from '@bufbuild/protobuf';
import { type DelegationDeclaration, KplugError, keyOf, type Resource } from '@kplug/controller';
import {
  assembleParts,
  type Delegation,
  LeasePolicy,
  PluginChannels,
  RegistrationReader,
  readDeclaration,
} from '@kplug/controller/internal';
import { RegistrationSchema } from '@kplug/protocol';
import { pino } from 'pino';
import type { Cluster } from './cluster.ts';
import type { ClusterView } from './cluster-view.ts';
import { api, delegation } from './kinds.ts';
import { scriptedTransport } from './network.ts';
import type { HeartbeatPort, PluginProcess } from './plugin-process.ts';
import type { Stage } from './stage.ts';

/** Surroundings of a controller. */
export interface Surroundings {
  stage: Stage;
  cluster: Cluster;
  processAt: (address: string) => PluginProcess | undefined;
  nextCall: () => number;
}

const log = pino({ level: 'silent' });
const reader = new RegistrationReader(new LeasePolicy());

/** Time that calls in progress may take to end when the controller stops, in milliseconds. */
const stopTimeout = 20_000;

/** Real controller without its ports: registry, connections, selection and delegations, over the simulated cluster and network. */
export class SimulatedController implements HeartbeatPort {
  readonly name: string;
  readonly view: ClusterView;
  readonly #stage: Stage;
  readonly #parts: ReturnType<typeof assembleParts>;
  readonly #stopping = new AbortController();
  /** Changes of the delegation, one after the other. */
  #changing: Promise<void>;
  #state: 'running' | 'stopping' | 'stopped' = 'running';

  constructor(name: string, declaration: DelegationDeclaration, { stage, cluster, processAt, nextCall }: Surroundings) {
    this.name = name;
    this.#stage = stage;
    this.view = cluster.open(name, stage);
    const transport = scriptedTransport({
      controller: name,
      stage,
      processAt,
      nextCall,
      isOutdated: ({ base }) => this.#hasChanged(base) || marksOf(this.view.get(keyOf(base))) !== marksOf(base),
      isStale: ({ base, extensions }) => [base, ...extensions.values()].some((one) => this.#hasChanged(one)),
    });
    const options = { resources: this.view, delegations: [declaration], adminAddress: false } as const;
    this.#parts = assembleParts(options, log, transport, new PluginChannels());
    this.#parts.registry.subscribe(({ instance }) => {
      const { plugin, version, instanceId } = instance.registration;
      const { state, stateReason: reason } = instance;
      stage.happened({ type: 'instance', controller: name, instance: instanceId, plugin, version, state, reason });
    });
    stage.happened({ type: 'controller', controller: name, state: 'started' });
    this.#changing = this.#parts.delegations.start().catch(ignoreStop);
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  get isStopped(): boolean {
    return this.#state === 'stopped';
  }

  /** Returns the delegation that runs now. */
  get delegation(): Delegation | undefined {
    return this.#parts.delegations.get(delegation);
  }

  /** Reports whether a plugin is registered that implements one of these major versions of the API. */
  knows(name: string, majors: readonly (string | undefined)[]): boolean {
    return this.#parts.registry.implementations(api).some(({ plugin, api: { version } }) => {
      return plugin.text.toLowerCase() === name.toLowerCase() && majors.includes(String(version.major));
    });
  }

  /** Changes the delegation. Its resources are released if it doesn't concern them any more. */
  changeDelegation(declaration: DelegationDeclaration): void {
    const change = async () => {
      if (!this.isRunning) return;
      this.#stage.happened({ type: 'controller', controller: this.name, state: 'delegation changing' });
      await this.#parts.delegations.put(readDeclaration(declaration), this.#stopping.signal);
      this.#stage.happened({ type: 'controller', controller: this.name, state: 'delegation changed' });
    };
    this.#changing = this.#changing.then(change).catch(ignoreStop);
  }

  /** Stops as `Controller.stop` does. */
  async stop(): Promise<void> {
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    this.#stage.happened({ type: 'controller', controller: this.name, state: 'stopping' });
    const { connections, delegations, registry, clock } = this.#parts;
    const timer = setTimeout(() => connections.close(), stopTimeout);
    this.#stopping.abort(new KplugError('Stopped', 'the controller was stopped'));
    await this.#changing;
    await delegations.stop();
    clearTimeout(timer);
    connections.close();
    registry.close();
    await this.view.close();
    clock[Symbol.dispose]();
    this.#state = 'stopped';
    this.#stage.happened({ type: 'controller', controller: this.name, state: 'stopped' });
  }

  /** Loses the leadership as `Controller` does: no write succeeds any more, and all calls are cancelled. */
  depose(): void {
    this.view.depose();
    this.#stage.happened({ type: 'controller', controller: this.name, state: 'deposed' });
    this.#parts.connections.close();
    void this.stop();
  }

  register(process: PluginProcess): void {
    const { plugin, version, apiVersion, instanceId, address } = process.identity;
    const message = create(RegistrationSchema, {
      plugin,
      version,
      instanceId,
      address,
      apis: [{ name: api, version: apiVersion }],
    });
    this.#parts.registry.register(reader.read(message, '10.0.0.1'), undefined, sessionOf(process));
  }

  beat(process: PluginProcess): boolean {
    return this.#parts.registry.beat(process.identity.instanceId);
  }

  deregister(process: PluginProcess): void {
    this.#parts.registry.deregister(process.identity.instanceId);
  }

  sessionEnded(process: PluginProcess): void {
    this.#parts.registry.sessionEnded(process.identity.instanceId, sessionOf(process));
  }

  #hasChanged(one: Resource): boolean {
    const now = this.view.get(keyOf(one))?.metadata;
    const then = one.metadata;
    return (
      now?.uid !== then.uid || now.generation !== then.generation || now.deletionTimestamp !== then.deletionTimestamp
    );
  }
}

function marksOf(resource: Resource | undefined): string {
  return JSON.stringify([resource?.metadata.labels, resource?.metadata.annotations]);
}

const sessions = new WeakMap<PluginProcess, { notify(): void }>();

/** Returns the session of a process, which is the same for its whole life. */
function sessionOf(process: PluginProcess): { notify(): void } {
  const known = sessions.get(process);
  if (known) return known;
  const session = { notify: () => undefined };
  sessions.set(process, session);
  return session;
}

function ignoreStop(error: unknown): void {
  if (error instanceof KplugError && (error.code === 'Stopped' || error.code === 'LeadershipLost')) return;
  throw error;
}
