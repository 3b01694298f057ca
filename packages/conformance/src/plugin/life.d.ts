import type { Registration } from '@kplug/protocol';
import { PluginProcess } from './plugin-process.ts';
import { type Heard, type Manner, RegistryProbe } from './registry-probe.ts';
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
export declare class Life implements AsyncDisposable {
  #private;
  readonly registry: RegistryProbe;
  /** Whether it was heard again when last the registry came back. */
  isHeard: boolean;
  private constructor();
  /** Starts a command as a plugin. */
  static start(options: LifeOptions): Promise<Life>;
  get process(): PluginProcess;
  /** Waits for the process to register; `undefined` when it doesn't, or ends. @param since milliseconds on the monotonic clock. */
  registration(since?: number, within?: number): Promise<Heard | undefined>;
  /** Waits for the process to be heard, by a registration or by a heartbeat in the first Kplug's protocol, or to end. */
  protocol(): Promise<Protocol | undefined>;
  /** The latest registration, with where it came from. Throws `NotTried` when there is none or the process has ended. */
  get registered(): Heard & {
    registration: Registration;
  };
  /** Throws `NotTried` when the process isn't heard any more. */
  demandHeard(): void;
  /** Waits for the process to end by itself; `undefined` when it doesn't. */
  ending(within?: number): Promise<number | NodeJS.Signals | undefined>;
  /**
   * Kills the process, and starts the command again, with the registry behaving in a manner from the first moment on.
   *
   * @param env what it is told besides.
   */
  restart(manner: Manner, env?: Record<string, string>): Promise<Heard | undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}
/** Where a registration says that its plugin is: an empty host is the one that it came from. */
export declare function addressOf({ registration, peer }: { registration?: Registration; peer: string }): string;
