import type { Manifest } from '@kplug/controller';
import type { Report } from '../report.ts';
import { type Protocol } from './life.ts';
/** What a plugin is tried with. */
export interface ConformPluginOptions {
  /** Base and extensions; empty for a base with an empty spec. */
  manifests: readonly Manifest[];
  /** The base's kind, where it isn't clear. */
  kind?: string | undefined;
  /**
   * The protocol that the plugin speaks. Default: that in which a plugin that is started beats, and `kplug.v1` at an address,
   * from which it can't be seen.
   */
  protocol?: Protocol | undefined;
  /** How long a call may take, in milliseconds. */
  timeout: number;
  /** The interval at which a plugin that is started is told to beat, in milliseconds. */
  interval: number;
  /** The numbers of the requirements to try. Default: all. */
  only?: readonly string[] | undefined;
}
/** Tries a plugin that runs already. Rejects with a `CommandError` when none answers. */
export declare function conformAddress(address: string, options: ConformPluginOptions): Promise<Report>;
/** Starts a command as a plugin, and tries it. Rejects with a `CommandError` when there is no such program. */
export declare function conformCommand(command: readonly string[], options: ConformPluginOptions): Promise<Report>;
