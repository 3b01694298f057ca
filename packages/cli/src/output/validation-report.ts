import { printable } from '@kplug/protocol/printable';
import { countSeverities, type Severity, type ValidationFinding } from '../validate/finding.ts';
import type { Colors } from './terminal.ts';

/** Result of a validation. */
export interface Validation {
  /** Files that were read. */
  files: readonly string[];
  /** Resources in the files, by file and position. */
  resources: readonly { file: string; line: number; resource?: string }[];
  /** Number of resources whose fields were not checked, as their kind has no schema here. */
  withoutSchema: number;
  findings: readonly ValidationFinding[];
}

/** Smallest width in which lines are wrapped. */
const minWidth = 40;

/**
 * Formats findings as lines `FILE:LINE:COLUMN: severity: RESOURCE: message`, and a summary.
 *
 * @param width columns of the terminal, in which long lines are wrapped. Default: they are not.
 */
export function formatValidation(validation: Validation, colors: Colors, width = Number.POSITIVE_INFINITY): string {
  const color: Record<Severity, (text: string) => string> = { error: colors.red, warning: colors.yellow };
  const lines = validation.findings.map((finding) => {
    const { severity, resource, message } = finding;
    const place = printable(placeOf(finding));
    const text = printable(resource === undefined ? message : `${resource}: ${message}`);
    const [first = '', ...rest] = wrap(`${place}: ${severity}: ${text}`, width);
    const start = `${place}: ${severity}`;
    // A place that is wrapped itself has no colours.
    const styled = first.startsWith(start)
      ? `${colors.bold(place)}: ${color[severity](severity)}${first.slice(start.length)}`
      : first;
    return [styled, ...rest].join('\n');
  });
  return [...lines, ...(lines.length > 0 ? [''] : []), ...wrap(summarizeValidation(validation), width)].join('\n');
}

/** Summarizes a validation in one line. */
export function summarizeValidation({ files, resources, withoutSchema, findings }: Validation): string {
  const { error, warning } = countSeverities(findings);
  const found = [...(error > 0 ? [count(error, 'error')] : []), ...(warning > 0 ? [count(warning, 'warning')] : [])];
  const unchecked = withoutSchema > 0 ? `; no schema for ${count(withoutSchema, 'resource')}` : '';
  return `${count(resources.length, 'resource')} in ${count(files.length, 'file')}: ${found.join(', ') || 'valid'}${unchecked}`;
}

/** Formats a number with its noun: `1 error`, `2 errors`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** Formats the place of a finding as editors and terminals understand it: `tables/users.yaml:3:5`. */
function placeOf({ file, line, column }: ValidationFinding): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}

/** Breaks a line at spaces. Further lines are indented. */
function wrap(text: string, width: number): string[] {
  if (width < minWidth) return [text];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines.splice(-1, 1, `${last} ${word}`);
    else lines.push(last === undefined ? word : `    ${word}`);
  }
  return lines;
}
