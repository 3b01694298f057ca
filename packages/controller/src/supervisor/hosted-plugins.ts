import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { limits } from '../limits/limits.ts';
import type { VersionedName } from '../names.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { HostedOutput, HostedPlugin } from '../registry/hosted.ts';
import type { Registry } from '../registry/registry.ts';
import type { Reservations } from '../registry/reservations.ts';
import type { IdentityIssuer } from '../resources/services/identity-issuer.ts';
import type { FolderAccess } from './folder-access.ts';
import { Guard } from './guard.ts';
import { Launcher } from './launch.ts';
import { localAddress } from './local-address.ts';
import type { Program } from './program.ts';
import { SupervisedPlugin } from './supervised-plugin.ts';

const { killTimeout } = limits.pluginsFolder;

/** Parts of the controller that the supervisor uses. */
export interface SupervisorDependencies {
  registry: Registry;
  reservations: Reservations;
  log: Logger;
  /** Missing where there are no ServiceAccounts. */
  identities?: IdentityIssuer | undefined;
  /** Called when a plugin runs other code than before, in the same version. */
  onNewCode: (plugin: VersionedName) => void;
}

/** Settings of the processes of all plugins. */
export interface HostingSettings {
  access: FolderAccess;
  /** Names of further variables of the controller's environment that processes inherit. */
  inheritedEnvironment: readonly string[];
  /** Time that processes may take to exit when the controller stops, in milliseconds. */
  stopTimeout: number;
}

/** Processes of the controller's plugins, wherever their programs come from: starts, replaces, restarts and stops them. */
export class HostedPlugins {
  readonly #dependencies: SupervisorDependencies;
  readonly #stopTimeout: number;
  readonly #guard: Guard;
  readonly #plugins = new Map<string, SupervisedPlugin>();
  readonly #listeners = new Set<() => void>();
  readonly #restarts = new WorkQueue<SupervisedPlugin>({ work: async (plugin) => plugin.restart() });
  readonly #make: (name: string) => SupervisedPlugin;
  #controller = '';
  #isHeld = false;
  #unsubscribe: () => void = () => undefined;

  constructor({ access, inheritedEnvironment, stopTimeout }: HostingSettings, dependencies: SupervisorDependencies) {
    const { registry, reservations, log, identities, onNewCode } = dependencies;
    this.#dependencies = dependencies;
    this.#stopTimeout = stopTimeout;
    this.#guard = new Guard(log);
    let lines = 0;
    const supervision = {
      registry,
      reservations,
      launcher: new Launcher(this.#guard, access, inheritedEnvironment, identities),
      log,
      restarts: this.#restarts,
      controller: () => this.#controller,
      nextLine: () => ++lines,
      isHeld: () => this.#isHeld,
      onChange: () => this.notify(),
      onNewCode,
    };
    this.#make = (name) => new SupervisedPlugin(name, supervision);
  }

  /** Process ID of the guard, which kills the plugins when the controller is killed. */
  get guard(): number | undefined {
    return this.#guard.pid;
  }

  /** True if no process may be started any more. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Statuses of the plugins. */
  list(): HostedPlugin[] {
    return [...this.#plugins.values()].map(({ status }) => status);
  }

  output(name: string): HostedOutput | undefined {
    return this.#plugins.get(name)?.output;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts to follow the registrations of plugins. @param heartbeatAddress address to which the processes send heartbeats. */
  start(heartbeatAddress: string): void {
    this.#controller = localAddress(heartbeatAddress);
    this.#unsubscribe = this.#dependencies.registry.subscribe(({ instance }) => {
      for (const plugin of this.#plugins.values()) plugin.onInstance(instance);
    });
  }

  /** Runs a program as the plugin of its name. Its former program continues until the new one has registered. */
  use(program: Program): void {
    this.#of(program.name).use(program);
  }

  /** Reports that the program of a plugin can't be started. A running version continues. */
  reject(name: string, fault: string): void {
    this.#of(name).reject(fault);
  }

  /** Stops a plugin. It finishes its in-flight calls. */
  remove(name: string, reason: string): void {
    this.#plugins.get(name)?.remove(reason);
  }

  /** Stops starting processes. Running processes continue. */
  hold(): void {
    this.#isHeld = true;
    void this.#restarts.close();
  }

  /** Stops all plugins. Fulfilled when their processes have exited or could not be killed in time. */
  async stop(): Promise<void> {
    this.hold();
    const plugins = [...this.#plugins.values()];
    for (const plugin of plugins) plugin.remove('the controller is stopping', this.#stopTimeout);
    const ended = Promise.all(plugins.map((plugin) => plugin.whenEnded()));
    // A process that even SIGKILL doesn't end now isn't waited for; the guard tries again.
    await Promise.race([ended, sleep(this.#stopTimeout + killTimeout, undefined, { ref: false })]);
    this.#unsubscribe();
    await this.#guard.close();
  }

  /** Notifies the subscribers of a change. */
  notify(): void {
    for (const [name, plugin] of this.#plugins) if (plugin.isGone) this.#plugins.delete(name);
    for (const listener of this.#listeners) listener();
  }

  #of(name: string): SupervisedPlugin {
    let plugin = this.#plugins.get(name);
    if (!plugin) {
      plugin = this.#make(name);
      this.#plugins.set(name, plugin);
    }
    return plugin;
  }
}
