import { resolve } from 'node:path';
import { KplugError } from '../errors.ts';
import type { PluginListOptions } from './download/plugin-downloads.ts';
import { defaultTerms, type HealthRules, type ResourceLimits, type RestartRules, type Terms } from './program.ts';

/** Options of the plugins that the controller starts itself, from a folder. Times in milliseconds. */
export interface PluginsFolderOptions {
  /** The folder. It need not be there yet. On Windows, which has no process groups, nothing of it is run. */
  directory: string;
  /** Variables for every process, besides PATH, HOME, LANG, LC_ALL, TZ and TMPDIR. Nothing else of the controller's own goes to them. */
  environment?: Readonly<Record<string, string>>;
  /** What starts files whose name ends with `.py`. Default `python3`, from the PATH. */
  python?: string;
  /**
   * Packages that modules (`.js`, `.ts`) can import although they aren't installed beside them, and the URL of each. Default none;
   * `{ '@kplug/sdk': import.meta.resolve('@kplug/sdk') }` lets a module be a single file.
   */
  packages?: Readonly<Record<string, string>>;
  /** What each process may use, where its `plugin.yaml` doesn't say otherwise. Default: no limits. */
  resources?: ResourceLimits;
  /** Default: a minute to register, and a minute to be found again. */
  health?: Partial<HealthRules>;
  /** Default: always, after 1 s at first and a minute at the most; forgotten after a minute. */
  restart?: Partial<RestartRules>;
  /** How long a process that is replaced or removed may take to end. Default 30,000. */
  drainTimeout?: number;
  /** How long processes may take to end when the controller stops, when their calls have ended already. Default 5,000. */
  stopTimeout?: number;
  /** Plugins that are fetched into the folder and stay there. Default none. */
  list?: PluginListOptions;
  /** How long a file has to stay as it is before it is started. Default 500. */
  settleTime?: number;
  /** How often the folder is looked through even if nothing tells of a change. Default 5,000. */
  scanInterval?: number;
}

/** Options with every default filled in. */
export interface FolderSettings extends Required<Pick<PluginsFolderOptions, 'directory' | 'python' | 'packages'>> {
  terms: Terms;
  stopTimeout: number;
  settleTime: number;
  scanInterval: number;
}

/** Fills in the defaults. Throws `InvalidConfiguration`. */
export function readFolderOptions(options: PluginsFolderOptions): FolderSettings {
  const { directory, python = 'python3', packages = {} } = options;
  if (!directory) throw new KplugError('InvalidConfiguration', 'pluginsFolder.directory is empty; name a folder');
  return {
    directory: resolve(directory),
    python,
    packages,
    terms: {
      environment: options.environment ?? {},
      resources: options.resources ?? {},
      health: { ...defaultTerms.health, ...options.health },
      restart: { ...defaultTerms.restart, ...options.restart },
      drainTimeout: options.drainTimeout ?? defaultTerms.drainTimeout,
    },
    stopTimeout: options.stopTimeout ?? 5_000,
    settleTime: options.settleTime ?? 500,
    scanInterval: options.scanInterval ?? 5_000,
  };
}
