import type { Registration } from '@kplug/protocol';
import { NotTried } from '../requirement.ts';
import { until } from '../until.ts';
import { PluginProcess } from './plugin-process.ts';
import { type Heard, type Manner, RegistryProbe } from './registry-probe.ts';

/** How long a plugin may take to start, and to stop, in milliseconds. */
const startTime = 60_000;
const stopTime = 40_000;

/** The protocol that a plugin speaks, by its name in protobuf: ours, or the first Kplug's. */
export type Protocol = 'kplug.v1' | 'kplug';

/** What is started, and how it is told to beat. */
export interface LifeOptions {
  command: readonly string[];
  /** The interval that it is told to beat at, in milliseconds. */
  interval: number;
  /** The protocol that it is told to speak. Default: it is told nothing, and may speak either. */
  protocol?: Protocol | undefined;
}

/** A plugin's process and the registry that it beats to. */
export class Life implements AsyncDisposable {
  readonly registry: RegistryProbe;
  /** Whether it was heard again when last the registry came back. */
  isHeard = true;
  readonly #command: readonly string[];
  readonly #protocol: Protocol | undefined;
  #process: PluginProcess;

  private constructor(registry: RegistryProbe, { command, protocol }: LifeOptions, process: PluginProcess) {
    this.registry = registry;
    this.#command = command;
    this.#protocol = protocol;
    this.#process = process;
  }

  /** Starts a command as a plugin. */
  static async start(options: LifeOptions): Promise<Life> {
    const registry = await RegistryProbe.start(options.interval);
    try {
      return new Life(registry, options, await startProcess(options.command, registry, options.protocol));
    } catch (error) {
      registry.close();
      throw error;
    }
  }

  get process(): PluginProcess {
    return this.#process;
  }

  /** Waits for the process to register; `undefined` when it doesn't, or ends. @param since milliseconds on the monotonic clock. */
  async registration(since = 0, within = startTime): Promise<Heard | undefined> {
    const found = () => this.registry.since(since).find(({ registration }) => registration);
    await until(() => found() ?? this.#process.ending, within);
    return found();
  }

  /** Waits for the process to be heard, by a registration or by a heartbeat in the first Kplug's protocol, or to end. */
  async protocol(): Promise<Protocol | undefined> {
    const isHeard = (): Protocol | undefined => {
      if (this.#protocol !== 'kplug' && this.registry.heard.some(({ registration }) => registration)) return 'kplug.v1';
      return this.#protocol !== 'kplug.v1' && this.registry.v0Beats.length > 0 ? 'kplug' : undefined;
    };
    await until(() => isHeard() ?? this.#process.ending, startTime);
    return isHeard();
  }

  /** The latest registration, with where it came from. Throws `NotTried` when there is none or the process has ended. */
  get registered(): Heard & { registration: Registration } {
    const heard = this.registry.heard.findLast(({ registration }) => registration);
    if (!heard?.registration) throw new NotTried('it did not register; see P1');
    return { ...heard, registration: heard.registration };
  }

  /** Throws `NotTried` when the process isn't heard any more. */
  demandHeard(): void {
    if (!this.isHeard) throw new NotTried('it did not register again; see P6');
  }

  /** Waits for the process to end by itself; `undefined` when it doesn't. */
  ending(within = stopTime): Promise<number | NodeJS.Signals | undefined> {
    return until(() => this.#process.ending, within);
  }

  /**
   * Kills the process, and starts the command again, with the registry behaving in a manner from the first moment on.
   *
   * @param env what it is told besides.
   */
  async restart(manner: Manner, env: Record<string, string> = {}): Promise<Heard | undefined> {
    await this.#process[Symbol.asyncDispose]();
    this.registry.behave(manner);
    const from = performance.now();
    this.#process = await startProcess(this.#command, this.registry, this.#protocol, env);
    return this.registration(from);
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
  const told = protocol ? { KPLUG_PROTOCOL: protocol } : {};
  return PluginProcess.start(command, { KPLUG_CONTROLLER: registry.address, ...told, ...env });
}

/** Where a registration says that its plugin is: an empty host is the one that it came from. */
export function addressOf({ registration, peer }: { registration?: Registration; peer: string }): string {
  const address = registration?.address ?? '';
  const host = peer.slice(0, peer.lastIndexOf(':'));
  return address.startsWith(':') ? `${host}${address}` : address;
}
