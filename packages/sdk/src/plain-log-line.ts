import { printable, printableLines } from '@kplug/protocol';

/** Fields that every line of pino has. */
const omittedFields = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'err']);

/**
 * Formats a line of pino's JSON for people: time of day, level, message, and the other fields; then the stack of an error. Returns the
 * line with its line feed. Texts of others can't forge lines or control the terminal.
 */
export function plainLogLine(line: string): string {
  const content = JSON.parse(line) as Record<string, unknown>;
  const { level, time, msg, err } = content;
  const others = Object.entries(content)
    .filter(([field]) => !omittedFields.has(field))
    .map(
      ([field, value]) => `${printable(field)}=${printable(typeof value === 'string' ? value : JSON.stringify(value))}`,
    );
  const at = new Date(Number(time)).toTimeString().slice(0, 8);
  const text = [at, nameOf(Number(level)).padEnd(5), printable(String(msg ?? '')), ...others].join(' ').trimEnd();
  return `${text}\n${stackOf(err)}`;
}

function nameOf(level: number): string {
  if (level >= 50) return 'ERROR';
  if (level >= 40) return 'WARN';
  return level >= 30 ? 'INFO' : 'DEBUG';
}

/** Returns the indented stack of an error, whose message the first line has; empty for other values. */
function stackOf(err: unknown): string {
  const { stack } = typeof err === 'object' && err !== null ? (err as { stack?: unknown }) : {};
  if (typeof stack !== 'string') return '';
  const lines = stack.split('\n').map((one) => `  ${printableLines(one)}\n`);
  return lines.join('');
}
