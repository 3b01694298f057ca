import { printable, printableOutput } from '@kplug/protocol/printable';
import Table from 'cli-table3';
import type { Colors } from './terminal.ts';

/** Header and rows of a table. */
export interface TableContent {
  header: readonly string[];
  rows: readonly (readonly string[])[];
}

const noBorders = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
    .map((part) => [part, '']),
);

/** Formats a table without borders, as kubectl does: aligned columns, three spaces apart. */
export function formatTable({ header, rows }: TableContent, colors: Colors): string {
  const table = new Table({
    head: header.map((name) => colors.bold(name)),
    chars: noBorders,
    style: { 'padding-left': 0, 'padding-right': 3, head: [], border: [] },
  });
  table.push(...rows.map((row) => row.map((cell) => printableOutput(cell, colors.isColorSupported) || '-')));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Makes untrusted text printable, on one line. */
export function plain(text: string): string {
  return printable(text);
}

/** Colours the status of a condition: green for `True`, red for `False`, yellow for others. */
export function colorStatus(status: string, colors: Colors): string {
  if (status === 'True') return colors.green(status);
  return status === 'False' ? colors.red(status) : colors.yellow(status);
}
