import { limits } from '../limits/limits.ts';
import { copyText } from './copy-text.ts';
import { type LogLine, readLogLine } from './log-line.ts';

const { maxKeptLines, maxKeptLineLength } = limits.pluginsFolder;

/** Stream to which a process writes lines. */
export type OutputStream = 'stdout' | 'stderr';

interface NumberedLine {
  number: number;
  text: string;
}

/** Last lines of a process's output that tell why it exited: of standard error, and warnings and errors on standard output. */
export class LastLines {
  readonly #read: NumberedLine[] = [];
  readonly #unread: (NumberedLine & { stream: OutputStream })[] = [];
  #count = 0;

  /** Adds a line that was read. */
  add({ level, message }: LogLine, stream: OutputStream): void {
    if (isKept(level, stream)) push(this.#read, { number: this.#count++, text: shorten(message) });
  }

  /** Adds a line that was not read. It is only read if it is still among the last ones when they are listed. */
  addUnread(line: string, stream: OutputStream): void {
    push(this.#unread, { number: this.#count++, text: copyText(line), stream });
  }

  list(): string[] {
    const late = this.#unread.flatMap(({ number, text, stream }) => {
      const { level, message } = readLogLine(text, stream);
      return isKept(level, stream) ? [{ number, text: shorten(message) }] : [];
    });
    const all = [...this.#read, ...late].sort((a, b) => a.number - b.number);
    return all.slice(-maxKeptLines).map(({ text }) => text);
  }
}

function isKept(level: LogLine['level'], stream: OutputStream): boolean {
  return stream === 'stderr' || level === 'warn' || level === 'error';
}

function push<T>(lines: T[], line: T): void {
  lines.push(line);
  if (lines.length > maxKeptLines) lines.shift();
}

function shorten(text: string): string {
  return copyText(text.slice(0, maxKeptLineLength));
}
