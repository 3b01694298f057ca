/** What a process may use. What is missing isn't limited. */
export interface ResourceLimits {
  /** Of the process and those it starts, in bytes. Looked at every second where the system has `/proc`; who has more is killed. */
  memory?: number;
  /** How many files and sockets each process may have open. */
  openFiles?: number;
  /** How far it gives way to others for processor time: 0 not at all, 19 as far as can be. Default 0. */
  niceness?: number;
}

/** When a plugin's process is taken to be well. Times in milliseconds. */
export interface HealthRules {
  /** How long it may take to register. */
  startTimeout: number;
  /** How long it may be unregistered, or unreachable, after it was registered. */
  lostTimeout: number;
}

/** What happens when a process ends by itself. Times in milliseconds. */
export interface RestartRules {
  /** `always`, `on-failure` when it ended otherwise than with 0, or `never`. */
  policy: 'always' | 'on-failure' | 'never';
  /** The wait after the first failure; it doubles with each further one. */
  initialBackOff: number;
  maxBackOff: number;
  /** How long it has to be live for its failures to be forgotten. */
  resetAfter: number;
}

/** How a plugin is run, whatever it is. */
export interface Terms {
  environment: Readonly<Record<string, string>>;
  resources: ResourceLimits;
  health: HealthRules;
  restart: RestartRules;
  /** How long it may take to end after SIGTERM, in milliseconds. Then it is killed. */
  drainTimeout: number;
  /** The ServiceAccount in the operator's namespace whose rights it gets, by a kubeconfig. Missing for none. */
  serviceAccount?: string;
}

/** A plugin that can be started. */
export interface Program extends Terms {
  /** Its name in the folder. */
  name: string;
  /** The program and its arguments. */
  command: readonly [string, ...string[]];
  /** Where it runs. */
  directory: string;
}

/** How a plugin is run of which nothing else is said. */
export const defaultTerms: Terms = {
  environment: {},
  resources: {},
  health: { startTimeout: 60_000, lostTimeout: 60_000 },
  restart: { policy: 'always', initialBackOff: 1_000, maxBackOff: 60_000, resetAfter: 60_000 },
  drainTimeout: 30_000,
};
