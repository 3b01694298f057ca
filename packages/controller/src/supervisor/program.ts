import { limits } from '../limits/limits.ts';

/** Resource limits of a process. Missing ones are unlimited. */
export interface ResourceLimits {
  /** Resident memory of the process and its children, in bytes. Checked every second on systems with `/proc`; a process above it is killed. */
  memory?: number;
  /** Number of files and sockets that each process may have open. */
  openFiles?: number;
  /** Niceness of the process: 0 (normal priority) to 19 (lowest). Default 0. */
  niceness?: number;
}

/** Timeouts after which a process counts as unhealthy and is killed, in milliseconds. */
export interface HealthRules {
  /** Time that the process may take to register. */
  startTimeout: number;
  /** Time that the process may be unregistered or unreachable after it has registered. */
  lostTimeout: number;
}

/** Handling of a process that exits on its own. Times are in milliseconds. */
export interface RestartRules {
  /** `always`; `on-failure`: unless the exit code was 0; or `never`. */
  policy: 'always' | 'on-failure' | 'never';
  /** Delay after the first failure. It doubles with each further one. */
  initialBackOff: number;
  /** Longest delay. */
  maxBackOff: number;
  /** Time that a process must be live for its failures to be forgotten. */
  resetAfter: number;
}

/** Settings with which a plugin is run. */
export interface RunSettings {
  environment: Readonly<Record<string, string>>;
  resources: ResourceLimits;
  health: HealthRules;
  restart: RestartRules;
  /** Time between SIGTERM and SIGKILL, in milliseconds. */
  drainTimeout: number;
  /** ServiceAccount in the operator's namespace whose rights the plugin gets by a kubeconfig. Missing for none. */
  serviceAccount?: string;
}

/** Plugin that can be started. */
export interface Program extends RunSettings {
  /** Name in the folder. */
  name: string;
  /** Program and arguments. */
  command: readonly [string, ...string[]];
  /** Working directory. */
  directory: string;
  /** Files that are run, and folders with such files. */
  files: readonly string[];
}

const { startTimeout, lostTimeout, initialBackOff, maxBackOff, resetAfter, drainTimeout } = limits.pluginsFolder;

/** Default settings. */
export const defaultRunSettings: RunSettings = {
  environment: {},
  resources: {},
  health: { startTimeout, lostTimeout },
  restart: { policy: 'always', initialBackOff, maxBackOff, resetAfter },
  drainTimeout,
};
