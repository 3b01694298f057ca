import { NotTried } from '../requirement.js';
import { until } from '../until.js';
import { PluginProcess } from './plugin-process.js';
import { RegistryProbe } from './registry-probe.js';

/** How long a plugin may take to start, and to stop, in milliseconds. */
const startTime = 60_000;
const stopTime = 40_000;
/** A plugin's process and the registry that it beats to. */
export class Life {
  registry;
  /** Whether it was heard again when last the registry came back. */
  isHeard = true;
  #command;
  #protocol;
  #process;
  constructor(registry, { command, protocol }, process) {
    this.registry = registry;
    this.#command = command;
    this.#protocol = protocol;
    this.#process = process;
  }
  /** Starts a command as a plugin. */
  static async start(options) {
    const registry = await RegistryProbe.start(options.interval);
    try {
      return new Life(registry, options, await startProcess(options.command, registry, options.protocol));
    } catch (error) {
      registry.close();
      throw error;
    }
  }
  get process() {
    return this.#process;
  }
  /** Waits for the process to register; `undefined` when it doesn't, or ends. @param since milliseconds on the monotonic clock. */
  async registration(since = 0, within = startTime) {
    const found = () => this.registry.since(since).find(({ registration }) => registration);
    await until(() => found() ?? this.#process.ending, within);
    return found();
  }
  /** Waits for the process to be heard, by a registration or by a heartbeat in the first Kplug's protocol, or to end. */
  async protocol() {
    const isHeard = () => {
      if (this.#protocol !== 'kplug' && this.registry.heard.some(({ registration }) => registration)) return 'kplug.v1';
      return this.#protocol !== 'kplug.v1' && this.registry.v0Beats.length > 0 ? 'kplug' : undefined;
    };
    await until(() => isHeard() ?? this.#process.ending, startTime);
    return isHeard();
  }
  /** The latest registration, with where it came from. Throws `NotTried` when there is none or the process has ended. */
  get registered() {
    const heard = this.registry.heard.findLast(({ registration }) => registration);
    if (!heard?.registration) throw new NotTried('it did not register; see P1');
    return { ...heard, registration: heard.registration };
  }
  /** Throws `NotTried` when the process isn't heard any more. */
  demandHeard() {
    if (!this.isHeard) throw new NotTried('it did not register again; see P6');
  }
  /** Waits for the process to end by itself; `undefined` when it doesn't. */
  ending(within = stopTime) {
    return until(() => this.#process.ending, within);
  }
  /**
   * Kills the process, and starts the command again, with the registry behaving in a manner from the first moment on.
   *
   * @param env what it is told besides.
   */
  async restart(manner, env = {}) {
    await this.#process[Symbol.asyncDispose]();
    this.registry.behave(manner);
    const from = performance.now();
    this.#process = await startProcess(this.#command, this.registry, this.#protocol, env);
    return this.registration(from);
  }
  async [Symbol.asyncDispose]() {
    await this.#process[Symbol.asyncDispose]();
    this.registry.close();
  }
}
function startProcess(command, registry, protocol, env = {}) {
  const told = protocol ? { KPLUG_PROTOCOL: protocol } : {};
  return PluginProcess.start(command, { KPLUG_CONTROLLER: registry.address, ...told, ...env });
}
/** Where a registration says that its plugin is: an empty host is the one that it came from. */
export function addressOf({ registration, peer }) {
  const address = registration?.address ?? '';
  const host = peer.slice(0, peer.lastIndexOf(':'));
  return address.startsWith(':') ? `${host}${address}` : address;
}
//# sourceMappingURL=life.js.map
