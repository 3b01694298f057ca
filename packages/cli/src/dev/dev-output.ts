import { printableLines } from '@kplug/protocol/printable';
import { clockTime } from '../output/clock-time.ts';
import type { Colors, Terminal } from '../output/terminal.ts';

/** Kind of a line. It decides the colour. */
export type LineKind = 'good' | 'bad' | 'warning' | 'plain' | 'faint';

/** Line of the output. */
export interface DevLine {
  /** Plugin, resource, or part of Kplug that the line is about. */
  subject: string;
  text: string;
  kind: LineKind;
  /** Further lines, such as a stack. They keep their indentation. */
  details?: readonly string[];
  /** Name of the plugin, for the filter, if the subject is another one. */
  plugin?: string;
}

/** Largest number of details that are shown. */
const maxDetails = 30;
/** Indentation of details. */
const detailIndent = 10;
/** Width from which on a line is wrapped without an indentation. */
const minTextWidth = 30;
const maxSubjectWidth = 28;

/** Output of `kplug dev`: a line for each thing that happened, wrapped on a terminal. */
export class DevOutput {
  readonly #terminal: Terminal;
  readonly #width: () => number | undefined;
  #filter = '';
  #subjectWidth = 18;

  /** @param width returns the width of the terminal; `undefined` to wrap nothing. */
  constructor(terminal: Terminal, width: () => number | undefined) {
    this.#terminal = terminal;
    this.#width = width;
  }

  get filter(): string {
    return this.#filter;
  }

  /** Shows only lines whose subject or plugin contains a text, without regard to case; empty for all. */
  set filter(text: string) {
    this.#filter = text.toLowerCase();
  }

  get colors(): Colors {
    return this.#terminal.colors;
  }

  /** Prints a line, unless the filter leaves it out. */
  line(line: DevLine): void {
    const { subject, plugin = '' } = line;
    const isWanted = [subject, plugin].some((name) => name.toLowerCase().includes(this.#filter));
    if (isWanted) this.#terminal.print(this.#format(line));
  }

  /** Prints a text as it is. */
  print(text: string): void {
    this.#terminal.print(text);
  }

  #format({ subject, text, kind, details = [] }: DevLine): string {
    const { colors } = this.#terminal;
    const time = clockTime();
    const shownSubject = oneLine(subject);
    // The column grows with the names, so that most texts begin in the same one.
    this.#subjectWidth = Math.min(maxSubjectWidth, Math.max(this.#subjectWidth, shownSubject.length));
    const column = shownSubject.padEnd(this.#subjectWidth);
    const indent = Math.min(time.length + column.length + 4, this.#indentLimit());
    const lines = wrap(oneLine(text), this.#width(), time.length + column.length + 4, indent);
    const paint = painter(kind, colors);
    const [first = '', ...rest] = lines;
    const shown = details.slice(0, maxDetails);
    if (details.length > maxDetails) shown.push(`… ${details.length - maxDetails} more lines`);
    return [
      `${colors.dim(time)}  ${colors.bold(column)}  ${paint(first)}`,
      ...rest.map((line) => `${' '.repeat(indent)}${paint(line)}`),
      ...shown.flatMap((line) => this.#formatDetail(line)),
    ].join('\n');
  }

  #formatDetail(text: string): string[] {
    const [lead = ''] = /^\s*/.exec(text) ?? [];
    const indent = detailIndent + lead.replaceAll('\t', '    ').length;
    const lines = wrap(printableLines(text.trim()), this.#width(), indent, indent);
    return lines.map((line) => this.#terminal.colors.dim(`${' '.repeat(indent)}${line}`));
  }

  #indentLimit(): number {
    const width = this.#width() ?? Number.POSITIVE_INFINITY;
    return width - minTextWidth < 10 ? 4 : Math.max(10, width - minTextWidth);
  }
}

/** Breaks a text into lines at spaces. @param begin column of the first line. @param indent column of the others. */
export function wrap(text: string, width: number | undefined, begin: number, indent: number): string[] {
  if (width === undefined) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const room = Math.max(1, width - (lines.length === 0 ? begin : indent));
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= room || line === '') line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

function oneLine(text: string): string {
  return printableLines(text.replaceAll(/\s*[\r\n]+\s*/g, ' '));
}

function painter(kind: LineKind, colors: Colors): (text: string) => string {
  switch (kind) {
    case 'good':
      return colors.green;
    case 'bad':
      return colors.red;
    case 'warning':
      return colors.yellow;
    case 'faint':
      return colors.dim;
    case 'plain':
      return (text) => text;
  }
}
