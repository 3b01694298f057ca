import type { PluginSecurity } from '../certificates/plugin-channels.ts';
import type { WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { RegistrationReader } from '../registry/read-registration.ts';
import type { ProbedInstances } from './probed-instances.ts';

/** Times of probes, in milliseconds. */
export interface ProbeTiming {
  /** Interval between probes of a plugin; six times as long after six answers in a row. */
  interval: number;
  /** Time that a plugin has to answer. */
  timeout: number;
}

/** Recurring work of the prober. */
export interface Probe {
  run(): Promise<WorkOutcome>;
}

/** Dependencies of probes. */
export interface ProbeParts {
  instances: ProbedInstances;
  reader: RegistrationReader;
  /** Decides how plugins are called. */
  security: PluginSecurity;
  timing: ProbeTiming;
  /** Schedules all probes. */
  queue: WorkQueue<Probe>;
}
