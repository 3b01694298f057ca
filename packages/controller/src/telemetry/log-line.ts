import { printable, printableJson, printableLines } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';

const { maxLogTextLength, maxLogLineLength } = limits.telemetry;

/** Fields of a log line that stay when the others exceed its length. */
const kept = new Set(['level', 'time', 'pid', 'hostname', 'msg']);

/**
 * Makes a line of pino's JSON safe to show: nothing in it breaks the line, moves the cursor, or changes the direction of the text, and its
 * length is limited. Texts in a log come from plugins, files and servers. Returns the line with its line feed.
 */
export function safeLogLine(line: string): string {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    return `${JSON.stringify({ msg: printable(line, maxLogTextLength) })}\n`;
  }
  const safe = JSON.stringify(safeValue(content, ''));
  return `${safe.length > maxLogLineLength ? JSON.stringify(safeValue(shortened(content), '')) : safe}\n`;
}

/** As `safeLogLine`, for a log that stays JSON: a line of a usual length is only escaped, and has the same value. */
export function safeJsonLogLine(line: string): string {
  return line.length > maxLogLineLength ? printableJson(safeLogLine(line)) : printableJson(line);
}

function safeValue(value: unknown, field: string): unknown {
  if (typeof value === 'string') return field === 'stack' ? safeStack(value) : printable(value, maxLogTextLength);
  if (Array.isArray(value)) return value.map((item) => safeValue(item, ''));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [printable(key, maxLogTextLength), safeValue(inner, key)]),
  );
}

/** The frames of a stack have lines of their own; the message before them, which others choose, has one. */
function safeStack(stack: string): string {
  const frames = /\n +at /.exec(stack)?.index ?? stack.length;
  const text = `${printable(stack.slice(0, frames), maxLogTextLength)}${printableLines(stack.slice(frames))}`;
  return text.slice(0, maxLogTextLength);
}

function shortened(content: unknown): unknown {
  const entries = Object.entries(content as object).filter(([field]) => kept.has(field));
  return { ...Object.fromEntries(entries), cut: 'the other fields, which are too long' };
}
