import { type LogLevel, readLogLine } from '@kplug/controller/tools';
import { formatJson, printableJson, printableLines } from '@kplug/protocol';
import type { LogEntry } from '../logs/log-source.ts';
import { plain } from './table.ts';
import type { Colors } from './terminal.ts';

/** Options of formatting a line of a log. */
export interface LogEntryOptions {
  /** True to begin the line with its source. */
  prefix: boolean;
  /** True to begin the line with its time. */
  timestamps: boolean;
  /** True to show lines in JSON as text, for people. */
  isPlain: boolean;
  colors: Colors;
}

/** Formats a line of a log. Nothing in it breaks the line, moves the cursor, or changes the direction of the text. */
export function formatLogEntry(entry: LogEntry, { prefix, timestamps, isPlain, colors }: LogEntryOptions): string {
  const { source, time, text, stream } = entry;
  const content = text.startsWith('{') ? formatJsonLine(text, stream, isPlain, colors) : printableText(text);
  return [prefix && colors.cyan(`[${plain(source)}]`), timestamps && plain(time), content].filter(Boolean).join(' ');
}

/** Formats a line of a log as JSON, on one line. */
export function formatLogDocument(entry: LogEntry): string {
  return printableJson(JSON.stringify(entry));
}

function formatJsonLine(text: string, stream: LogEntry['stream'], isPlain: boolean, colors: Colors): string {
  const { level, message, fields } = readLogLine(text, stream);
  // Not in the format of a logger.
  if (!isPlain || message === text) return isJson(text) ? printableJson(text) : printableText(text);
  const others = Object.entries(fields ?? {}).map(
    ([name, value]) => `${plain(name)}=${typeof value === 'string' ? plain(value) : plain(formatJson(value))}`,
  );
  return [levelColors(colors)[level](level.toUpperCase().padEnd(5)), printableText(message), ...others].join(' ');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Makes a text printable on one line. Its indentation stays, as it tells the frames of a stack. */
function printableText(text: string): string {
  return printableLines(text.replaceAll(/[\r\n]+/g, ' '));
}

function levelColors({ gray, green, yellow, red }: Colors): Record<LogLevel, (text: string) => string> {
  return { debug: gray, info: green, warn: yellow, error: red };
}
