import { safeJsonLogLine, safeLogLine, traceFields } from '@kplug/controller';
import { type Logger, pino } from 'pino';
import type { OperatorTerminal } from './operator-terminal.ts';
import type { SettingValues } from './settings.ts';

/**
 * Makes a logger to standard error, so that the log doesn't mix with printed output. Texts of others can't forge lines or control the
 * terminal.
 */
export async function makeLogger(
  { logLevel: level = 'info', logFormat }: SettingValues,
  { errorColors }: OperatorTerminal,
): Promise<Logger> {
  if (logFormat === 'json') {
    const destination = pino.destination({ dest: 2, sync: true });
    return pino({ level, mixin: traceFields }, { write: (line) => void destination.write(safeJsonLogLine(line)) });
  }
  const { default: pretty } = await import('pino-pretty');
  const stream = pretty({
    destination: 2,
    sync: true,
    colorize: errorColors.isColorSupported,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
  });
  return pino({ level, mixin: traceFields }, { write: (line) => void stream.write(safeLogLine(line)) });
}
