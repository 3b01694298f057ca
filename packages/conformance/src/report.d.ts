import { type TableContent } from '../../cli/src/output/table.ts';
import type { Colors } from '../../cli/src/output/terminal.ts';
import type { Verdict } from './run-requirements.ts';
/** What was tried, and how it went. */
export interface Report {
  /** What was tried, for people. */
  subject: string;
  verdicts: readonly Verdict[];
}
/** A report as a table, a requirement in each row. */
export declare function reportTable({ verdicts }: Report, colors: Colors): TableContent;
/** What counts of a report, in a sentence. */
export declare function summarize({ subject, verdicts }: Report): string;
/** A report as JUnit has it. Warnings are passed, and stand in the output of their case. */
export declare function formatJUnit({ subject, verdicts }: Report): string;
