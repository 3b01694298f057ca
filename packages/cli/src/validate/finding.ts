/** Severity of a finding: a warning is about something that may work, or that can't be judged without a cluster. */
export type Severity = 'error' | 'warning';

/** Largest number of faults of a document that are reported. */
export const maxFaults = 100;

/** Path of a field in a document. */
export type FieldPath = readonly (string | number)[];

/** Fault of a document. */
export interface DocumentFault {
  /** Name of the check in PascalCase, stable across versions. */
  check: string;
  severity: Severity;
  path: FieldPath;
  /** Observation in one line, with the field. */
  message: string;
}

/** Result of a check, with its position. Lines and columns count from 1. */
export interface ValidationFinding {
  file: string;
  /** Missing when the finding is about the whole file. */
  line?: number;
  column?: number;
  severity: Severity;
  /** Name of the check in PascalCase, stable across versions. */
  check: string;
  /** Resource, such as `DatabaseTable shop/users`; missing when the finding is about a file. */
  resource?: string;
  message: string;
}

/** Counts findings by severity. */
export function countSeverities(findings: readonly ValidationFinding[]): Record<Severity, number> {
  const counts = { error: 0, warning: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return counts;
}

/** Orders findings by file, line and column. Leaves out those that are equal to another one. */
export function sortFindings(findings: readonly ValidationFinding[]): ValidationFinding[] {
  const unique = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
  return [...unique.values()].sort(
    (a, b) => compare(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
