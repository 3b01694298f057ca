import type { DescService } from '@bufbuild/protobuf';
import type { PageFile } from '@kplug/page';
import { type Logger, pino } from 'pino';
import type { AdminPorts } from './admin/open-admin.ts';
import { type ApiAnswer, type ApiCallOptions, callApi, implementationsOf, type OwnApi } from './clients/api-calls.ts';
import type { MethodInput, MethodOutput, UnaryMethod } from './clients/plugin-api.ts';
import { addGauges, addLeadershipGauge } from './controller-gauges.ts';
import type { ControllerOptions } from './controller-options.ts';
import { assembleParts, type ControllerParts } from './controller-parts.ts';
import { defaultHeartbeatAddress } from './controller-security.ts';
import { KplugError } from './errors.ts';
import { limitTable } from './limits/limits.ts';
import { readLimit } from './limits/read-limit.ts';
import { logPluginChange } from './log-plugin-change.ts';
import type { HostedFolder } from './registry/hosted.ts';
import type { Registry } from './registry/registry.ts';
import { type RegistryView, viewOf } from './registry/registry-view.ts';
import type { Resources } from './resources/port.ts';
import { runInReverse } from './run-in-reverse.ts';
import type { GivenPrograms } from './supervisor/given-programs.ts';
import type { PluginsFolder } from './supervisor/plugins-folder.ts';
import { safeJsonLogLine } from './telemetry/log-line.ts';
import { traceFields } from './telemetry/trace-fields.ts';

/** State of a controller. `standby`: another controller leads. */
type ControllerState = 'new' | 'starting' | 'standby' | 'running' | 'stopped';

/** Step of starting a controller, with the step of stopping it that belongs to it. */
interface Step {
  start?: () => unknown;
  stop?: () => unknown;
}

/** Returns the registry of a controller, for tests of this repository. */
export let registryOf: (controller: Controller) => Registry;

/** Returns the plugins folder of a controller, for tests of this repository. */
export let pluginsFolderOf: (controller: Controller) => PluginsFolder | GivenPrograms | undefined;

/** Engine of an operator: registers plugins, and delegates the reconciliation of resources to them. */
export class Controller {
  static {
    registryOf = (controller) => controller.#parts.registry;
    pluginsFolderOf = (controller) => controller.#parts.folder;
  }

  readonly #options: ControllerOptions;
  readonly #stopTimeout: number;
  readonly #log: Logger;
  readonly #parts: ControllerParts;
  readonly #starts: (() => unknown)[] = [];
  readonly #stops: (() => unknown)[] = [];
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #admin: AdminPorts | undefined;
  #state: ControllerState = 'new';
  #stopped: Promise<void> | undefined;

  /** Read-only view of the plugins known now. */
  readonly registry: RegistryView;

  /** Throws `InvalidConfiguration`. */
  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#stopTimeout = readLimit(limitTable.calls.stopTimeout, options.stopTimeout);
    this.#log =
      options.logger ??
      pino({ mixin: traceFields }, { write: (line) => void process.stdout.write(safeJsonLogLine(line)) });
    this.#parts = assembleParts(options, this.#log);
    const { registry, metrics } = this.#parts;
    this.registry = viewOf(registry);
    addGauges(metrics, this.#parts);
    this.#ended.promise.catch(() => undefined);
    registry.subscribe((change) => {
      // The sessions that a controller ends when it stops are no news.
      if (this.#state !== 'stopped') logPluginChange(this.#log, change);
    });
    this.#addSteps();
  }

  /** Address to which plugins send heartbeats, once started. */
  get heartbeatAddress(): string {
    return this.#parts.heartbeats.address;
  }

  /** Security of the heartbeat port: `loopback` needs none, `secured` needs TLS and identities, `insecure` makes them optional. */
  get heartbeatSecurity(): 'loopback' | 'secured' | 'insecure' {
    return this.#parts.security.mode;
  }

  /** Address of the admin port, once started; empty without one. */
  get adminAddress(): string {
    return this.#admin?.address ?? '';
  }

  /** URL of the page for people, from this machine, once started; empty without one. */
  get pageUrl(): string {
    const { page = true } = this.#options;
    const address = this.adminAddress.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, 'localhost');
    return page && address ? `http://${address}/` : '';
  }

  /** Resources that the controller reconciles. */
  get resources(): Resources {
    return this.#options.resources;
  }

  /** Plugins that the controller runs, from a folder or a source of programs, if it does. */
  get pluginsFolder(): HostedFolder | undefined {
    return this.#parts.folder;
  }

  /** Fulfilled when the controller has stopped. Rejects with `LeadershipLost` when it stopped because another one leads. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * Opens the ports and starts to reconcile. Fulfilled when all existing resources have been queued. With leader election, the
   * admin port is open while the controller waits for leadership.
   *
   * Rejects with `PortInUse`, with the error of reading the resources, or with `Stopped` if it was stopped meanwhile. A controller
   * that failed to start has stopped.
   */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new KplugError('Stopped', 'a controller starts only once; create another one');
    this.#state = 'starting';
    try {
      for (const start of this.#starts) {
        this.#stopping.signal.throwIfAborted();
        await start();
      }
      this.#stopping.signal.throwIfAborted();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#state = 'running';
    this.#logStart();
  }

  /** Stops: starts no new work, waits for in-flight calls to end, and closes the ports. Can be called again. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop().then(this.#ended.resolve);
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#state = 'stopped';
    this.#stopping.abort(new KplugError('Stopped', 'the controller was stopped'));
    await runInReverse(this.#stops);
    this.#log.info('stopped');
  }

  /**
   * Calls a method of a plugin API of the operator's own at the best plugin:
   *
   *     const { output, plugin } = await controller.call({ api: 'Foo@^1.0.0', service: FooService }, 'foos', { count: 3 });
   *
   * Rejects as `callApi` does: with `PluginUnavailable` when there is no plugin, `PluginFailed`, `DeadlineExceeded`, and others.
   */
  call<S extends DescService, K extends UnaryMethod<S>>(
    api: OwnApi<S>,
    method: K,
    input: MethodInput<S, K>,
    options?: ApiCallOptions,
  ): Promise<ApiAnswer<MethodOutput<S, K>>> {
    return callApi(this.#parts, api, method, input, options);
  }

  /** Plugins that serve an API of the operator's own now, each in its best version. */
  implementations<S extends DescService>(api: OwnApi<S>): { plugin: string; version: string }[] {
    return implementationsOf(this.#parts, api).map(({ plugin, version }) => ({
      plugin: plugin.text,
      version,
    }));
  }

  /**
   * Reconciles all delegated resources now, except paused ones: plugins are called although their answers hold, have failed for good or
   * wait for a retry, and although they are suspended.
   */
  reconcileAll(): void {
    this.#parts.delegations.reconcileAll();
  }

  /** Fulfilled when no resource waits to be reconciled or is being reconciled. */
  async whenIdle(): Promise<void> {
    await this.#parts.delegations.whenIdle();
  }

  /** Adds all steps. They start in this order and stop in the reverse order. */
  #addSteps(): void {
    const { clock, registry, connections, heartbeats, folder, pluginResources, pods, prober, security, v0Sources } =
      this.#parts;
    const { catalogue } = this.#parts;
    const { resources, heartbeatAddress = defaultHeartbeatAddress } = this.#options;
    this.#add({ stop: () => clock[Symbol.dispose]() });
    this.#add({ stop: () => resources.close() });
    // The admin port of a controller that waits for leadership has TLS, too.
    this.#add({ start: () => security.start(), stop: () => security.stop() });
    this.#add({ start: () => this.#lead(), stop: () => this.#admin?.close() });
    this.#add({ stop: () => registry.close() });
    this.#add({ start: () => v0Sources?.start(), stop: () => v0Sources?.stop() });
    this.#add({ start: () => heartbeats.listen(heartbeatAddress) });
    this.#add({ start: () => pluginResources?.start(), stop: () => pluginResources?.stop() });
    this.#add({ stop: () => prober?.stop() });
    this.#add({ stop: () => pods?.stop() });
    // The passes that are in progress need the plugins of the folder, and their connections.
    this.#add({ stop: () => folder?.stop() });
    this.#add({ stop: () => connections.close() });
    this.#add({
      // The admin port takes long to load; the first passes don't wait for it.
      start: () => Promise.all([this.#openAdmin(), pods?.start(), this.#startDelegations()]),
      stop: () => this.#stopDelegations(),
    });
    this.#add({ stop: () => heartbeats.close() });
    this.#add({ start: () => folder?.start(heartbeats.privateAddress), stop: () => folder?.hold() });
    // Stopped first, so that it doesn't list what ends with the controller as unavailable.
    this.#add({ start: () => catalogue?.start(), stop: () => catalogue?.stop() });
    this.#add({ start: () => resources.services?.leadership?.announce() });
  }

  #add({ start, stop }: Step): void {
    if (start) this.#starts.push(start);
    if (stop) this.#stops.push(stop);
  }

  /** Waits for leadership, with leader election. */
  async #lead(): Promise<void> {
    const { leadership } = this.#options.resources.services ?? {};
    if (!leadership) return;
    addLeadershipGauge(this.#parts.metrics, leadership);
    await this.#openAdmin();
    this.#state = 'standby';
    await leadership.acquire(this.#stopping.signal);
    this.#state = 'starting';
    void leadership.lost.then((reason) => this.#onLeadershipLost(reason));
  }

  #onLeadershipLost(reason: string): void {
    const error = new KplugError('LeadershipLost', reason);
    this.#ended.reject(error);
    this.#stopping.abort(error);
    // The results of in-flight calls can't be written any more.
    this.#parts.connections.close();
    void this.stop();
  }

  /** Probes plugins before the first pass, so that no resource is reported to have no plugin during a takeover. */
  async #startDelegations(): Promise<void> {
    const { prober, delegations, delegationResources, attachmentResources } = this.#parts;
    await prober?.start();
    // Before the delegations: nobody else's plugin is called for a resource that is attached when another controller took over.
    await attachmentResources?.start();
    await Promise.all([delegations.start(), delegationResources?.start()]);
  }

  async #stopDelegations(): Promise<void> {
    const { connections, delegations, delegationResources, attachmentResources } = this.#parts;
    // Calls that wait in line are not made any more.
    connections.slots.close();
    // Cancels the calls that don't end in time.
    const timer = setTimeout(() => connections.close(), this.#stopTimeout);
    await delegationResources?.stop();
    await delegations.stop();
    clearTimeout(timer);
    await attachmentResources?.stop();
  }

  async #openAdmin(): Promise<void> {
    const { adminAddress = '127.0.0.1:8082', metricsAddress, probeAddress, adminHosts = [] } = this.#options;
    const maxConnections = readLimit(limitTable.admin.maxConnections, this.#options.adminConnections?.max);
    const addresses = { admin: adminAddress, metrics: metricsAddress ?? false, probes: probeAddress ?? false };
    if (this.#admin || Object.values(addresses).every((address) => address === false)) return;
    const { openAdmin } = await import('./admin/open-admin.ts');
    const { page: hasPage = true } = this.#options;
    const page = hasPage ? readPage : undefined;
    const { security } = this.#parts;
    const securityView = () => security.view(this.heartbeatAddress);
    const isStandby = () => this.#state === 'standby';
    const view = { ...this.#parts, log: this.#log, securityView, isStandby, notReady: () => this.#notReady() };
    const reporter = { log: this.#log, observer: this.#parts.metrics };
    const options = { hosts: adminHosts, maxConnections, reporter, page };
    const admin = await openAdmin(addresses, view, security.admin, options);
    // The controller may have stopped meanwhile, when there was nothing to close yet.
    if (this.#stopping.signal.aborted) await admin.close();
    else this.#admin = admin;
  }

  /** Reasons why the controller isn't ready; none in standby, as waiting for leadership is what it should do. */
  #notReady(): string[] {
    return this.#state === 'running' || this.#state === 'standby' ? [] : [`the controller is ${this.#state}`];
  }

  #logStart(): void {
    if (this.#options.allowInsecurePlugins) {
      const { insecurePluginsFrom: sources } = this.#options;
      const remedy = sources
        ? `they are accepted from ${sources.join(', ')} only`
        : 'restrict them to their namespaces or addresses by insecurePluginsFrom (--insecure-plugins-from), and access to the heartbeat port';
      this.#log.warn(`plugins of the first Kplug are allowed, whose protocol has no authentication; ${remedy}`);
    }
    if (this.#parts.security.mode === 'insecure') {
      this.#log.warn(
        'insecure: plugins need neither TLS nor an identity, and everybody who reaches the heartbeat port can be a plugin; remove this setting as soon as all plugins are upgraded',
      );
    }
    const kinds = [...this.#parts.delegations].map(({ settings }) => settings.base.kind);
    const delegated = kinds.length > 0 ? kinds.join(', ') : 'nothing yet';
    const { heartbeatAddress: address = '' } = this.#options;
    // An address without a host is that of all interfaces.
    const port = this.heartbeatAddress.split(':').at(-1);
    const heartbeats = address.startsWith(':') ? `*:${port}` : this.heartbeatAddress;
    const by = this.heartbeatSecurity === 'secured' ? ' by TLS' : '';
    const addresses = { heartbeats, admin: this.adminAddress };
    this.#log.info(addresses, `delegating ${delegated}; plugins send heartbeats to ${heartbeats}${by}`);
  }
}

/** Loads the package of the page, which most controllers never need. */
async function readPage(): Promise<readonly PageFile[]> {
  const page = await import('@kplug/page');
  return page.readPage();
}
