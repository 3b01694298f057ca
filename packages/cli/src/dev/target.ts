import type { RunSettings } from '@kplug/controller';

/** Languages in which `kplug dev` runs plugins. `other` is a command, or a program of its own. */
export type TargetLanguage = 'node' | 'python' | 'go' | 'other';

/** Plugin that is run from its sources. */
export interface Target {
  /** Name in the output. */
  readonly name: string;
  /** File or folder of the plugin. */
  readonly path: string;
  /** Working directory, and folder of the sources. */
  readonly folder: string;
  readonly language: TargetLanguage;
  /** File that is run, relative to the folder, or the command. */
  readonly entry: string;
  /** Arguments of the entry. */
  readonly arguments: readonly string[];
  /** Settings of its `plugin.yaml`. */
  readonly settings: Partial<RunSettings>;
  /** True if only the file and the code beside it are the sources, as nothing makes the folder a project. */
  readonly isBareFile: boolean;
}
