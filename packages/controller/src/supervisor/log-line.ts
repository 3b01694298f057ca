import { limits } from '../limits/limits.ts';
import { isJsonObject } from '../resources/json.ts';
import type { JsonObject } from '../resources/resource.ts';

const { maxFieldDepth } = limits.pluginsFolder;

/** Level of the controller's log. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Line of a process's output, as it is logged. */
export interface LogLine {
  level: LogLevel;
  message: string;
  /** Other fields of a line in JSON, except deeply nested ones. */
  fields?: JsonObject;
}

/** Fields that the controller's log has itself, or that are logged as level and message. */
const omittedFields = new Set(['level', 'time', 'timestamp', 'msg', 'message', 'pid', 'hostname', 'name', 'v']);

/** Log format of the Python SDK. */
const pythonLine = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) +\S+ (.*)$/s;

/** Line that begins with a level, usually after a time, as Go's log/slog and most loggers of Java write it. */
const textLine =
  /^(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)? +)?(?:\[[^\]]*\] +)?(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL):? +(.*)$/s;

/** Line in the format logfmt, as Go's `slog.TextHandler` writes it. */
const logfmtLine = /(?:^| )level=(\w+) /;

/**
 * Reads level and message of a line: JSON as pino and others write it, logfmt, or text that begins with a time and a level. Any other
 * line is `info` on standard output and `warn` on standard error.
 */
export function readLogLine(line: string, stream: 'stdout' | 'stderr'): LogLine {
  if (line.startsWith('{')) {
    const read = readJson(line);
    if (read) return read;
  }
  const [, level, message] = pythonLine.exec(line) ?? [];
  if (level && message !== undefined) return { level: levelOf(level), message };
  const [, levelOfText, text] = textLine.exec(line) ?? [];
  if (levelOfText && text !== undefined) return { level: levelOf(levelOfText), message: text };
  const [, levelOfLogfmt] = logfmtLine.exec(line) ?? [];
  if (levelOfLogfmt) return { level: levelOf(levelOfLogfmt), message: line };
  return { level: stream === 'stderr' ? 'warn' : 'info', message: line };
}

function readJson(line: string): LogLine | undefined {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    // Not JSON after all; the line is logged as it is.
    return undefined;
  }
  if (!isJsonObject(content)) return undefined;
  const { level, msg, message = msg } = content;
  if (typeof message !== 'string' || (typeof level !== 'number' && typeof level !== 'string')) return undefined;
  // Writing a deep value takes time with the square of its depth.
  const others = Object.entries(content).filter(
    ([field, value]) => !omittedFields.has(field) && !isDeeper(value, maxFieldDepth),
  );
  const fields = others.length > 0 ? { fields: Object.fromEntries(others) } : {};
  return { level: levelOf(level), message, ...fields };
}

/** Reports whether a value is nested more deeply than a number of levels. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((one) => isDeeper(one, levels - 1));
}

function levelOf(level: number | string): LogLevel {
  if (typeof level === 'number') {
    if (level >= 50) return 'error';
    if (level >= 40) return 'warn';
    return level >= 30 ? 'info' : 'debug';
  }
  const name = level.toLowerCase();
  if (/^(?:error|err|severe|critical|crit|fatal|panic)$/.test(name)) return 'error';
  if (name.startsWith('warn')) return 'warn';
  return name === 'debug' || name === 'trace' ? 'debug' : 'info';
}
