import type { Registration } from '@kplug/protocol';
import { eventually } from '../eventually.ts';
import { defaultPluginTimes, type PluginTimes, type Protocol } from '../options.ts';
import { NotTried } from '../requirement.ts';
import { PluginProcess } from './plugin-process.ts';
import { type RegistryBehavior, type RegistryEvent, RegistryProbe } from './registry-probe.ts';

/** Options of a plugin process. */
export interface PluginRunOptions {
  command: readonly string[];
  /** Heartbeat interval that the plugin is granted, in milliseconds. */
  interval: number;
  /** Protocol that the plugin is configured to speak. Default: not configured, so it may speak either. */
  protocol?: Protocol | undefined;
  /** Time limits that differ from the defaults. */
  times?: Partial<PluginTimes> | undefined;
}

/** A plugin process and the registry that it sends heartbeats to. */
export class PluginRun implements AsyncDisposable {
  readonly registry: RegistryProbe;
  readonly times: PluginTimes;
  /** True if the plugin registered again after the last restart of the registry. */
  isRegistered = true;
  readonly #command: readonly string[];
  readonly #protocol: Protocol | undefined;
  #process: PluginProcess;

  private constructor(registry: RegistryProbe, { command, protocol, times }: PluginRunOptions, process: PluginProcess) {
    this.registry = registry;
    this.times = { ...defaultPluginTimes, ...times };
    this.#command = command;
    this.#protocol = protocol;
    this.#process = process;
  }

  /** Starts a command as a plugin. Rejects with a `ConformanceError` when the program cannot be started. */
  static async start(options: PluginRunOptions): Promise<PluginRun> {
    const registry = await RegistryProbe.start(options.interval);
    try {
      return new PluginRun(registry, options, await startProcess(options.command, registry, options.protocol));
    } catch (error) {
      registry.close();
      throw error;
    }
  }

  get process(): PluginProcess {
    return this.#process;
  }

  /**
   * Waits for a registration; returns `undefined` when there is none in time or the process ends.
   *
   * @param since milliseconds of the monotonic clock.
   */
  async registration(since = 0, timeout = this.times.start): Promise<RegistryEvent | undefined> {
    const found = () => this.registry.since(since).find(({ registration }) => registration);
    await eventually(() => found() ?? this.#process.exit, timeout);
    return found();
  }

  /** Waits for the first registration or v0 heartbeat and returns its protocol; `undefined` when there is none. */
  async protocol(): Promise<Protocol | undefined> {
    const spoken = (): Protocol | undefined => {
      const { events, v0Heartbeats } = this.registry;
      if (this.#protocol !== 'kplug' && events.some(({ registration }) => registration)) return 'kplug.v1';
      return this.#protocol !== 'kplug.v1' && v0Heartbeats.length > 0 ? 'kplug' : undefined;
    };
    await eventually(() => spoken() ?? this.#process.exit, this.times.start);
    return spoken();
  }

  /** Latest registration, with its origin. Throws `NotTried` when there is none. */
  get registered(): RegistryEvent & { registration: Registration } {
    const event = this.registry.events.findLast(({ registration }) => registration);
    if (!event?.registration) throw new NotTried('it did not register; see P1');
    return { ...event, registration: event.registration };
  }

  /** Throws `NotTried` when the plugin did not register again. */
  requireRegistered(): void {
    if (!this.isRegistered) throw new NotTried('it did not register again; see P6');
  }

  /** Waits for the process to exit; returns `undefined` when it does not in time. */
  exited(): Promise<number | NodeJS.Signals | undefined> {
    return eventually(() => this.#process.exit, this.times.stop);
  }

  /**
   * Kills the process and starts the command again, with another behaviour of the registry from the start.
   *
   * @param env additional environment variables.
   */
  async restart(behavior: RegistryBehavior, env: Record<string, string> = {}): Promise<RegistryEvent | undefined> {
    const startedAt = performance.now();
    await this.start(env, behavior);
    return this.registration(startedAt);
  }

  /** Kills the process and starts the command again, without waiting for a registration. */
  async start(env: Record<string, string>, behavior: RegistryBehavior = 'accepting'): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    this.registry.behave(behavior);
    this.#process = await startProcess(this.#command, this.registry, this.#protocol, env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    this.registry.close();
  }
}

function startProcess(
  command: readonly string[],
  registry: RegistryProbe,
  protocol: Protocol | undefined,
  env: Record<string, string> = {},
): Promise<PluginProcess> {
  const configured = protocol ? { KPLUG_PROTOCOL: protocol } : {};
  return PluginProcess.start(command, { KPLUG_CONTROLLER: registry.address, ...configured, ...env });
}

/** Returns the address of a registration. An empty host means the host that the registration came from. */
export function addressOf({ registration, peer }: { registration?: Registration; peer: string }): string {
  const address = registration?.address ?? '';
  const host = peer.slice(0, peer.lastIndexOf(':'));
  return address.startsWith(':') ? `${host}${address}` : address;
}
