import type { Report } from './report.ts';

/** Benchmark. */
export interface Scenario {
  /** Name on the command line. */
  name: string;
  run(conditions: Conditions): Promise<Report>;
}

/** Options of a run. */
export interface Conditions {
  /** Run every part briefly. */
  quick: boolean;
  /** Called with the current step. */
  progress(doing: string): void;
}
