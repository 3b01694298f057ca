import type { Registration } from '@kplug/protocol';
import { NotTried } from '../requirement.ts';
import { until } from '../until.ts';
import { PluginProcess } from './plugin-process.ts';
import { type Heard, type Manner, RegistryProbe } from './registry-probe.ts';

/** How long a plugin may take to start, and to stop, in milliseconds. */
const startTime = 60_000;
const stopTime = 40_000;

/** A plugin's process and the registry that it beats to. */
export class Life implements AsyncDisposable {
  readonly registry: RegistryProbe;
  /** Whether it was heard again when last the registry came back. */
  isHeard = true;
  readonly #command: readonly string[];
  #process: PluginProcess;

  private constructor(registry: RegistryProbe, command: readonly string[], process: PluginProcess) {
    this.registry = registry;
    this.#command = command;
    this.#process = process;
  }

  /** Starts a command as a plugin. @param interval the interval that it is told to beat at, in milliseconds. */
  static async start(command: readonly string[], interval: number): Promise<Life> {
    const registry = await RegistryProbe.start(interval);
    try {
      return new Life(registry, command, await startProcess(command, registry));
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

  /** Kills the process, and starts the command again, with the registry behaving in a manner from the first moment on. */
  async restart(manner: Manner): Promise<Heard | undefined> {
    await this.#process[Symbol.asyncDispose]();
    this.registry.behave(manner);
    const from = performance.now();
    this.#process = await startProcess(this.#command, this.registry);
    return this.registration(from);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    this.registry.close();
  }
}

function startProcess(command: readonly string[], registry: RegistryProbe): Promise<PluginProcess> {
  return PluginProcess.start(command, { KPLUG_CONTROLLER: registry.address });
}

/** Where a registration says that its plugin is: an empty host is the one that it came from. */
export function addressOf({ registration, peer }: { registration?: Registration; peer: string }): string {
  const address = registration?.address ?? '';
  const host = peer.slice(0, peer.lastIndexOf(':'));
  return address.startsWith(':') ? `${host}${address}` : address;
}
