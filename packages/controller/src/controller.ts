import type { DescService } from '@bufbuild/protobuf';
import { type Logger, pino } from 'pino';
import type { AdminPorts } from './admin/open-admin.ts';
import { type ApiAnswer, type ApiCallOptions, callApi, implementationsOf, type OwnApi } from './clients/api-calls.ts';
import { PluginCaller } from './clients/caller.ts';
import { Connections, type ConnectionsOptions } from './clients/connections.ts';
import type { MethodInput, MethodOutput, UnaryMethod } from './clients/plugin-api.ts';
import { type DelegationDeclaration, readDeclaration } from './delegation/declaration.ts';
import { Delegations } from './delegation/delegations.ts';
import { DelegationResources } from './delegation-resources/delegation-resources.ts';
import { PluginProber, type ProbingOptions } from './discovery/plugin-prober.ts';
import { KplugError } from './errors.ts';
import { HeartbeatServer } from './heartbeat/heartbeat-server.ts';
import { type PluginResourceOptions, PluginResourceWriter } from './plugin-resources/plugin-resource-writer.ts';
import { PodObserver } from './plugin-resources/pod-observer.ts';
import { AwakeClock } from './registry/clock.ts';
import type { Instance } from './registry/instance.ts';
import { type LeaseOptions, LeaseTerms } from './registry/lease-terms.ts';
import { type AddressPolicy, RegistrationReader } from './registry/read-registration.ts';
import { Registry } from './registry/registry.ts';
import { Reservations } from './registry/reservations.ts';
import { version } from './resources/kubernetes/version.ts';
import type { PluginDeclarations } from './resources/plugin-declarations.ts';
import type { Resources } from './resources/port.ts';
import type { PluginsFolderOptions } from './supervisor/options.ts';
import { PluginsFolder } from './supervisor/plugins-folder.ts';
import { RecentEvents } from './telemetry/events.ts';
import { Metrics } from './telemetry/metrics.ts';

/** Options of a controller. */
export interface ControllerOptions {
  /** Where the resources live. The controller closes it when it stops. */
  resources: Resources;
  /** What is delegated. Names are unique. At least one, unless `followDelegations` lets users declare more. */
  delegations?: readonly DelegationDeclaration[];
  /**
   * Whether users declare delegations by `Delegation` resources (`delegations.kplug.dev/v1alpha1`), which are applied, changed and
   * removed while the controller runs: those whose label `kplug.dev/operator` names this operator, or those without it. Default
   * false.
   */
  followDelegations?: boolean | { operator: string };
  /** Where plugins beat to, as `host:port` or `:port`. Default `:50050`; port 0 takes a free one. */
  heartbeatAddress?: string;
  /** Where the read-only services are, with metrics and probes. Default `127.0.0.1:8082`. `false` for nowhere. */
  adminAddress?: string | false;
  /** Where metrics alone are (`/metrics`). Default: nowhere. */
  metricsAddress?: string | false;
  /** Where probes alone are (`/healthz`, `/readyz`). Default: nowhere. */
  probeAddress?: string | false;
  /** How many resources of a delegation are reconciled at once that doesn't say so itself. Default 32. */
  concurrency?: number;
  /** On which terms plugins are believed. */
  lease?: LeaseOptions;
  /** Which addresses plugins may register. */
  addresses?: AddressPolicy;
  /**
   * Whether plugins of the first Kplug may register. Its protocol is plain text, and nothing in it proves who beats or who
   * answers. Default false.
   */
  allowInsecurePlugins?: boolean;
  /** How plugins are asked that don't beat, where the resources' services know of such. */
  probing?: ProbingOptions;
  /** How plugins are connected to. */
  connections?: ConnectionsOptions;
  /** How many plugin instances are known at the most. Default 200,000. */
  registryCapacity?: number;
  /** How long passes under way may take to end when the controller stops, in milliseconds. Default 20,000. */
  stopTimeout?: number;
  /** How the known plugins are kept, where the resources' services have a place for that. */
  keeping?: PluginResourceOptions;
  /** A folder whose files are run as plugins, as processes of the controller's own, while it leads. Default none. */
  pluginsFolder?: PluginsFolderOptions;
  /** Default: pino on standard output, level `info`. */
  logger?: Logger;
}

/** What a controller is doing. `standby`: another one leads. */
type ControllerState = 'new' | 'starting' | 'standby' | 'running' | 'stopped';

/** An operator's engine: the registry, the delegations, and the ports. */
export class Controller {
  readonly #resources: Resources;
  readonly #log: Logger;
  readonly #clock = new AwakeClock();
  readonly #registry: Registry;
  readonly #connections: Connections;
  readonly #caller: PluginCaller;
  readonly #metrics = new Metrics();
  readonly #events: RecentEvents;
  readonly #delegations: Delegations;
  readonly #declared: DelegationResources | undefined;
  readonly #heartbeats: HeartbeatServer;
  readonly #folder: PluginsFolder | undefined;
  readonly #options: ControllerOptions;
  readonly #pluginResources: PluginResourceWriter | undefined;
  readonly #pods: PodObserver | undefined;
  readonly #prober: PluginProber | undefined;
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #admin: AdminPorts | undefined;
  #state: ControllerState = 'new';
  #stopped: Promise<void> | undefined;

  /** Throws `InvalidConfiguration`. */
  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#resources = options.resources;
    this.#log = options.logger ?? pino();
    const { services = {} } = options.resources;
    this.#events = new RecentEvents(this.#log, services.events);
    const { registryCapacity: capacity, allowInsecurePlugins: allowInsecure = false } = options;
    this.#registry = new Registry({
      clock: this.#clock,
      allowInsecure,
      ...(capacity === undefined ? {} : { capacity }),
    });
    this.#connections = new Connections(this.#registry, options.connections);
    this.#caller = new PluginCaller(this.#connections, (observation) => this.#metrics.called(observation));
    this.#delegations = this.#makeDelegations(options);
    this.#declared = this.#makeDeclared(options);
    const { reservedAddresses: reserved = [] } = services;
    const reader = new RegistrationReader(new LeaseTerms(options.lease), { reserved, ...options.addresses });
    const reservations = new Reservations();
    this.#heartbeats = new HeartbeatServer(this.#registry, reader, this.#metrics, reservations);
    const { pluginsFolder } = options;
    const { identities } = services;
    const hosting = { registry: this.#registry, reservations, log: this.#log, identities };
    this.#folder = pluginsFolder && new PluginsFolder(pluginsFolder, hosting);
    const { plugins, pods, declarations } = services;
    services.observeRequests?.((request) => this.#metrics.requested(request));
    this.#pluginResources =
      plugins && new PluginResourceWriter(this.#registry, plugins, this.#log, options.keeping, this.#folder);
    this.#pods = pods && new PodObserver(this.#registry, pods);
    this.#prober = declarations && this.#makeProber(declarations, reader);
    this.#addGauges();
    this.#ended.promise.catch(() => undefined);
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

  /** The plugins that it runs from a folder, if it does. */
  get pluginsFolder(): PluginsFolder | undefined {
    return this.#folder;
  }

  /** Fulfilled when it has stopped. Rejects with `LeadershipLost` when it stopped because another controller leads. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * Opens the ports and starts to reconcile. Fulfilled when all resources that are there have been queued. Where a leader is
   * elected, the admin port is open while it waits for its turn.
   *
   * Rejects with `PortInUse` or what reading the resources rejects with, or `Stopped` when it was stopped meanwhile; a controller
   * that failed to start has stopped.
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new KplugError('Stopped', 'a controller starts once; make a new one');
    this.#state = 'starting';
    try {
      await this.#lead();
      await this.#heartbeats.listen(this.#options.heartbeatAddress ?? ':50050');
      await this.#pluginResources?.start();
      await Promise.all([this.#openAdmin(), this.#pods?.start(), this.#startDelegating()]);
      await this.#folder?.start(this.heartbeatAddress);
      await this.#resources.services?.leadership?.announce();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#state = 'running';
    const kinds = [...this.#delegations].map(({ settings }) => settings.base.kind);
    const addresses = { heartbeats: this.heartbeatAddress, admin: this.adminAddress };
    if (this.#options.allowInsecurePlugins) {
      this.#log.warn(
        'plugins of the first Kplug are allowed, and nothing proves who beats or who answers; keep others from the heartbeat port',
      );
    }
    const what = kinds.length > 0 ? kinds.join(', ') : 'nothing yet';
    this.#log.info(addresses, `delegating ${what}; plugins beat to ${this.heartbeatAddress}`);
  }

  /** Stops: takes no new work, lets the passes under way end, and closes the ports. Can be called again. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop().then(this.#ended.resolve);
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#state = 'stopped';
    this.#stopping.abort(new KplugError('Stopped', 'the controller was stopped'));
    this.#folder?.hold();
    this.#heartbeats.close();
    // Cancels the calls that take longer.
    const timer = setTimeout(() => this.#connections.close(), this.#options.stopTimeout ?? 20_000);
    await this.#declared?.stop();
    await this.#delegations.stop();
    clearTimeout(timer);
    this.#connections.close();
    await this.#folder?.stop();
    this.#pods?.stop();
    this.#prober?.stop();
    await this.#pluginResources?.stop();
    this.#registry.close();
    await this.#admin?.close();
    await this.#resources.close();
    this.#clock[Symbol.dispose]();
    this.#log.info('stopped');
  }

  /** Plugins that beat were known before; those that don't are asked first, so that no resource is told that there is none. */
  async #startDelegating(): Promise<void> {
    await this.#prober?.start();
    await Promise.all([this.#delegations.start(), this.#declared?.start()]);
  }

  /** Waits for its turn, where there may be several controllers. */
  async #lead(): Promise<void> {
    const { leadership } = this.#resources.services ?? {};
    if (!leadership) return;
    this.#metrics.gauge('leader_election_master_status', 'Whether this controller leads', ['name'], (set) => {
      set({ name: 'kplug' }, leadership.leads ? 1 : 0);
    });
    await this.#openAdmin();
    this.#state = 'standby';
    await leadership.acquire(this.#stopping.signal);
    this.#state = 'starting';
    void leadership.lost.then((reason) => this.#onLost(reason));
  }

  #onLost(reason: string): void {
    this.#ended.reject(new KplugError('LeadershipLost', reason));
    // What is under way can't be written any more.
    this.#connections.close();
    void this.stop();
  }

  /**
   * Calls a method of a plugin API of the operator's own, at the plugin that fits best:
   *
   *     const { output, plugin } = await controller.call({ api: 'Foo@^1.0.0', service: FooService }, 'foos', { count: 3 });
   *
   * Rejects as `callApi` says: `PluginUnavailable` when there is no plugin, `PluginFailed`, `DeadlineExceeded`, and others.
   */
  call<S extends DescService, K extends UnaryMethod<S>>(
    api: OwnApi<S>,
    method: K,
    input: MethodInput<S, K>,
    options?: ApiCallOptions,
  ): Promise<ApiAnswer<MethodOutput<S, K>>> {
    return callApi({ registry: this.#registry, caller: this.#caller }, api, method, input, options);
  }

  /** The plugins that serve an API of the operator's own now, each in its best version. */
  implementations<S extends DescService>(api: OwnApi<S>): { plugin: string; version: string }[] {
    return implementationsOf(this.#registry, api).map(({ plugin, version }) => ({ plugin, version }));
  }

  /** Fulfilled when no resource waits for a pass or is in one. */
  async whenIdle(): Promise<void> {
    await this.#delegations.whenIdle();
  }

  #makeDelegations({ delegations: declarations = [], followDelegations, concurrency }: ControllerOptions): Delegations {
    const settings = declarations.map((declaration) => readDeclaration(declaration, { concurrency }));
    if (settings.length === 0 && !followDelegations)
      throw new KplugError('InvalidConfiguration', 'no delegation is declared; declare one');
    for (const [index, { name }] of settings.entries()) {
      const isTaken = settings.findIndex((other) => other.name === name) !== index;
      if (isTaken) throw new KplugError('InvalidConfiguration', `two delegations are named "${name}"; rename one`);
    }
    const delegations = new Delegations({
      resources: this.#resources,
      registry: this.#registry,
      caller: this.#caller,
      events: this.#events,
      observer: this.#metrics,
      log: this.#log,
    });
    for (const one of settings) delegations.add(one);
    return delegations;
  }

  #makeDeclared({ followDelegations = false, concurrency }: ControllerOptions): DelegationResources | undefined {
    if (!followDelegations) return undefined;
    return new DelegationResources({
      resources: this.#resources,
      registry: this.#registry,
      delegations: this.#delegations,
      operator: followDelegations === true ? '' : followDelegations.operator,
      defaults: { concurrency },
      log: this.#log,
    });
  }

  #makeProber(declarations: PluginDeclarations, reader: RegistrationReader): PluginProber {
    const parts = {
      registry: this.#registry,
      reader,
      declarations,
      inFlight: (instance: Instance) => this.#connections.inFlight(instance),
      credentials: this.#options.connections?.credentials,
      reporter: this.#pluginResources,
    };
    return new PluginProber(parts, this.#options.probing);
  }

  #addGauges(): void {
    this.#metrics.gauge('kplug_build_info', 'The version of Kplug; always 1', ['version'], (set) =>
      set({ version }, 1),
    );
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
    this.#metrics.gauge('kplug_hosted_plugins', 'Plugins of the plugins folder, by state', ['state'], (set) => {
      const byState = Map.groupBy(this.#folder?.list() ?? [], ({ state }) => state);
      for (const [state, plugins] of byState) set({ state }, plugins.length);
    });
  }

  async #openAdmin(): Promise<void> {
    const { adminAddress: admin = '127.0.0.1:8082', metricsAddress, probeAddress } = this.#options;
    const addresses = { admin, metrics: metricsAddress ?? false, probes: probeAddress ?? false };
    if (this.#admin || Object.values(addresses).every((address) => address === false)) return;
    // What it takes to serve people takes long to load, and the first pass needn't wait for it.
    const { openAdmin } = await import('./admin/open-admin.ts');
    this.#admin = await openAdmin(addresses, {
      registry: this.#registry,
      delegations: this.#delegations,
      events: this.#events,
      metrics: this.#metrics,
      folder: this.#folder,
      notReady: () => this.#notReady(),
    });
  }

  /** Why it isn't ready. One that waits for its turn is: it does what it should. */
  #notReady(): string[] {
    return this.#state === 'running' || this.#state === 'standby' ? [] : [`the controller is ${this.#state}`];
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
