import { resolve } from 'node:path';
import { KplugError } from '../errors.ts';
import { limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import type { PluginListOptions } from './download/plugin-downloads.ts';
import {
  defaultRunSettings,
  type HealthRules,
  type ResourceLimits,
  type RestartRules,
  type RunSettings,
} from './program.ts';

const { pluginsFolder } = limitTable;

/** Options of the plugins that the controller runs from a folder. Times are in milliseconds. */
export interface PluginsFolderOptions {
  /** Path of the folder, which may be created later. Not supported on Windows, which has no process groups. */
  directory: string;
  /**
   * Runs files that other users may change. Default false: nothing is run if the folder, a folder above it or a file of the plugin may be
   * changed by others than the controller's user and root. The permissions of a volume may require `true`.
   */
  allowWritable?: boolean;
  /** Environment variables of every process. Of the controller's own, processes inherit PATH, HOME, LANG, LC_ALL, TZ and TMPDIR. */
  environment?: Readonly<Record<string, string>>;
  /**
   * Names of further variables of the controller's environment that processes inherit, such as `HTTPS_PROXY`. Default none. `KPLUG_*` are
   * for the controller alone.
   */
  inheritedEnvironment?: readonly string[];
  /** Interpreter of files with the extension `.py`. Default `python3`, from the PATH. */
  python?: string;
  /**
   * Packages that modules (`.js`, `.ts`) can import without installing them, with the URL of each. Default none;
   * `{ '@kplug/sdk': import.meta.resolve('@kplug/sdk') }` makes plugins of a single file possible.
   */
  packages?: Readonly<Record<string, string>>;
  /** Resource limits of each process, unless its `plugin.yaml` sets others. Default: no limits. */
  resources?: ResourceLimits;
  /** Timeouts of registration. Default: 60,000 each. */
  health?: Partial<HealthRules>;
  /** Restart policy. Default: `always`, with a delay of 1,000 to 60,000; failures are forgotten after 60,000. */
  restart?: Partial<RestartRules>;
  /** Time that a process may take to exit after it was replaced or removed. Default 30,000. */
  drainTimeout?: number;
  /** Time that processes may take to exit when the controller stops, after their calls have ended. Default 5,000. */
  stopTimeout?: number;
  /** Plugins to download into the folder. Default none. */
  list?: PluginListOptions;
  /** Time that a file must stay unchanged before it is started. Default 500; 100 to 5,000 is recommended. */
  settleTime?: number;
  /** Interval of regular scans, which find changes that the system doesn't report. Default 5,000. */
  scanInterval?: number;
}

/** Options with all defaults filled in. */
export interface FolderSettings
  extends Required<
    Pick<PluginsFolderOptions, 'directory' | 'allowWritable' | 'inheritedEnvironment' | 'python' | 'packages'>
  > {
  runSettings: RunSettings;
  stopTimeout: number;
  settleTime: number;
  scanInterval: number;
}

/** Fills in the defaults. Throws `InvalidConfiguration`. */
export function readFolderOptions(options: PluginsFolderOptions): FolderSettings {
  const { directory, allowWritable = false, python = 'python3', packages = {} } = options;
  if (!directory) throw new KplugError('InvalidConfiguration', 'pluginsFolder.directory is empty; set it to a folder');
  const inheritedEnvironment = options.inheritedEnvironment ?? [];
  for (const name of inheritedEnvironment) checkInherited(name);
  return {
    directory: resolve(directory),
    allowWritable,
    inheritedEnvironment,
    python,
    packages,
    runSettings: {
      environment: options.environment ?? {},
      resources: options.resources ?? {},
      health: {
        startTimeout: readLimit(pluginsFolder.startTimeout, options.health?.startTimeout),
        lostTimeout: readLimit(pluginsFolder.lostTimeout, options.health?.lostTimeout),
      },
      restart: {
        policy: options.restart?.policy ?? defaultRunSettings.restart.policy,
        initialBackOff: readLimit(pluginsFolder.initialBackOff, options.restart?.initialBackOff),
        maxBackOff: readLimit(pluginsFolder.maxBackOff, options.restart?.maxBackOff),
        resetAfter: readLimit(pluginsFolder.resetAfter, options.restart?.resetAfter),
      },
      drainTimeout: readLimit(pluginsFolder.drainTimeout, options.drainTimeout),
    },
    stopTimeout: readLimit(pluginsFolder.stopTimeout, options.stopTimeout),
    settleTime: readLimit(pluginsFolder.settleTime, options.settleTime),
    scanInterval: readLimit(pluginsFolder.scanInterval, options.scanInterval),
  };
}

function checkInherited(name: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !name.startsWith('KPLUG_')) return;
  const reason = name.startsWith('KPLUG_')
    ? 'is for the operator alone; set it as environment in plugin.yaml'
    : 'is not the name of a variable, such as HTTPS_PROXY';
  throw new KplugError('InvalidConfiguration', `pluginsFolder.inheritedEnvironment: "${name}" ${reason}`);
}
