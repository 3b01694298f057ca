import { type Logger, pino } from 'pino';
import { type DelegationDeclaration, readDeclaration } from './delegation/declaration.ts';
import { Delegation } from './delegation/delegation.ts';
import { KplugError } from './errors.ts';
import { RecentEvents } from './observe/events.ts';
import { Metrics } from './observe/metrics.ts';
import { PluginCaller } from './plugins/caller.ts';
import { Connections, type ConnectionsOptions } from './plugins/connections.ts';
import { AwakeClock } from './registry/clock.ts';
import { type LeaseOptions, LeaseTerms } from './registry/lease-terms.ts';
import { Registry } from './registry/registry.ts';
import type { Resources } from './resources/port.ts';
import type { AdminServer } from './serve/admin-server.ts';
import { HeartbeatServer } from './serve/heartbeat-server.ts';
import { type AddressPolicy, RegistrationReader } from './serve/registration-message.ts';

/** Options of a controller. */
export interface ControllerOptions {
  /** Where the resources live. The controller closes it when it stops. */
  resources: Resources;
  /** What is delegated. At least one; names are unique. */
  delegations: readonly DelegationDeclaration[];
  /** Where plugins beat to, as `host:port` or `:port`. Default `:50050`; port 0 takes a free one. */
  heartbeatAddress?: string;
  /** Where probes, metrics and the read-only services are. Default `127.0.0.1:8081`. `false` for none. */
  adminAddress?: string | false;
  /** On which terms plugins are believed. */
  lease?: LeaseOptions;
  /** Which addresses plugins may register. */
  addresses?: AddressPolicy;
  /** How plugins are connected to. */
  connections?: ConnectionsOptions;
  /** How many plugin instances are known at the most. Default 200,000. */
  registryCapacity?: number;
  /** Default: pino on standard output, level `info`. */
  logger?: Logger;
}

/** An operator's engine: the registry, the delegations, and the ports. */
export class Controller {
  readonly #resources: Resources;
  readonly #log: Logger;
  readonly #clock = new AwakeClock();
  readonly #registry: Registry;
  readonly #connections: Connections;
  readonly #metrics = new Metrics();
  readonly #events: RecentEvents;
  readonly #delegations: readonly Delegation[];
  readonly #heartbeats: HeartbeatServer;
  readonly #options: ControllerOptions;
  #admin: AdminServer | undefined;
  #state: 'new' | 'starting' | 'running' | 'stopped' = 'new';

  /** Throws `InvalidConfiguration`. */
  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#resources = options.resources;
    this.#log = options.logger ?? pino();
    this.#events = new RecentEvents(this.#log);
    const capacity = options.registryCapacity;
    this.#registry = new Registry({ clock: this.#clock, ...(capacity === undefined ? {} : { capacity }) });
    this.#connections = new Connections(this.#registry, options.connections);
    this.#delegations = this.#makeDelegations(options.delegations);
    const reader = new RegistrationReader(new LeaseTerms(options.lease), options.addresses);
    this.#heartbeats = new HeartbeatServer(this.#registry, reader, this.#metrics);
    this.#addGauges();
    this.#registry.subscribe(({ instance, from }) => this.#logPlugin(instance, from));
  }

  /** Where plugins beat to, once it has started. */
  get heartbeatAddress(): string {
    return this.#heartbeats.address;
  }

  /** Where the admin port is, once it has started; empty without one. */
  get adminAddress(): string {
    return this.#admin?.address ?? '';
  }

  /** Where the resources live. */
  get resources(): Resources {
    return this.#resources;
  }

  /** The plugins known now. */
  get registry(): Registry {
    return this.#registry;
  }

  /**
   * Opens the ports and starts to reconcile. Fulfilled when all resources that are there have been queued. Rejects with
   * `PortInUse` or what reading the resources rejects with; a controller that failed to start has stopped.
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new KplugError('Stopped', 'a controller starts once; make a new one');
    this.#state = 'starting';
    try {
      await this.#heartbeats.listen(this.#options.heartbeatAddress ?? ':50050');
      const { adminAddress = '127.0.0.1:8081' } = this.#options;
      const starting = this.#delegations.map((delegation) => delegation.start());
      if (adminAddress !== false) starting.push(this.#openAdmin(adminAddress));
      await Promise.all(starting);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#state = 'running';
    const kinds = this.#delegations.map(({ settings }) => settings.base.kind);
    const addresses = { heartbeats: this.heartbeatAddress, admin: this.adminAddress };
    this.#log.info(addresses, `delegating ${kinds.join(', ')}; plugins beat to ${this.heartbeatAddress}`);
  }

  /** Stops: takes no new work, lets the passes under way end, and closes the ports. Can be called again. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#heartbeats.close();
    await Promise.all(this.#delegations.map((delegation) => delegation.stop()));
    this.#connections.close();
    this.#registry.close();
    await this.#admin?.close();
    await this.#resources.close();
    this.#clock[Symbol.dispose]();
    this.#log.info('stopped');
  }

  /** Fulfilled when no resource waits for a pass or is in one. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.#delegations.map((delegation) => delegation.whenIdle()));
  }

  #makeDelegations(declarations: readonly DelegationDeclaration[]): readonly Delegation[] {
    const settings = declarations.map(readDeclaration);
    if (settings.length === 0) throw new KplugError('InvalidConfiguration', 'no delegation is declared; declare one');
    for (const [index, { name }] of settings.entries()) {
      const isTaken = settings.findIndex((other) => other.name === name) !== index;
      if (isTaken) throw new KplugError('InvalidConfiguration', `two delegations are named "${name}"; rename one`);
    }
    const dependencies = {
      resources: this.#resources,
      registry: this.#registry,
      caller: new PluginCaller(this.#connections, (observation) => this.#metrics.called(observation)),
      events: this.#events,
      observer: this.#metrics,
      log: this.#log,
    };
    return settings.map((one) => new Delegation(one, dependencies));
  }

  #addGauges(): void {
    this.#metrics.gauge('workqueue_depth', 'Resources that wait for a pass', ['name'], (set) => {
      for (const { settings, load } of this.#delegations) set({ name: settings.name }, load.waiting);
    });
    this.#metrics.gauge('controller_runtime_active_workers', 'Passes under way', ['controller'], (set) => {
      for (const { settings, load } of this.#delegations) set({ controller: settings.name }, load.active);
    });
    this.#metrics.gauge('kplug_plugin_instances', 'Plugin instances known, by state', ['state'], (set) => {
      const counts = { live: 0, suspect: 0, draining: 0, gone: 0 };
      for (const { state } of this.#registry.instances()) counts[state]++;
      for (const [state, count] of Object.entries(counts)) if (state !== 'gone') set({ state }, count);
    });
  }

  async #openAdmin(address: string): Promise<void> {
    // What it takes to serve people takes long to load, and the first pass needn't wait for it.
    const { openAdmin } = await import('./serve/open-admin.ts');
    this.#admin = await openAdmin(address, {
      registry: this.#registry,
      delegations: this.#delegations,
      events: this.#events,
      metrics: this.#metrics,
      notReady: () => (this.#state === 'running' ? [] : [`the controller is ${this.#state}`]),
    });
  }

  #logPlugin(
    {
      registration,
      state,
      stateReason,
    }: {
      registration: { plugin: string; version: string; address: string; instanceId: string };
      state: string;
      stateReason: string;
    },
    from: string | undefined,
  ): void {
    const { plugin, version, address, instanceId } = registration;
    if (from === state) return;
    const details = { plugin, version, address, instance: instanceId, state };
    const text = `${plugin} ${version} at ${address} ${from === undefined ? 'registered' : `is ${state}`}`;
    if (state === 'suspect') this.#log.warn(details, `${text}: ${stateReason}`);
    else this.#log.info(details, stateReason ? `${text}: ${stateReason}` : text);
  }
}
