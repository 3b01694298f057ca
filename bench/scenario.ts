import type { Report } from './report.ts';

/** One question that is answered by measuring. */
export interface Scenario {
  /** What it is called on the command line. */
  name: string;
  run(conditions: Conditions): Promise<Report>;
}

/** How thoroughly to measure. */
export interface Conditions {
  /** Whether to measure only so much that every part runs. */
  quick: boolean;
  /** Hears what is being done. */
  progress(doing: string): void;
}
