import { pino } from 'pino';
import { expect, it } from 'vitest';
import { plainLogLine } from './plain-log-line.ts';

function logged(write: (log: pino.Logger) => void): string {
  const lines: string[] = [];
  write(pino({ name: 'Plain', level: 'debug' }, { write: (line: string) => void lines.push(plainLogLine(line)) }));
  return lines.join('');
}

it('formats a line of the log for people', () => {
  expect(logged((log) => log.info('listening'))).toMatch(/^\d\d:\d\d:\d\d INFO {2}listening\n$/);
  const line = logged((log) => log.warn({ attempt: 2, at: { host: 'a' }, table: 'users' }, 'retrying'));
  expect(line).toMatch(/^\S+ WARN {2}retrying attempt=2 at=\{"host":"a"\} table=users\n$/);
  expect(logged((log) => log.debug({ a: 1 }))).toMatch(/^\S+ DEBUG +a=1\n$/);
});

it('shows the stack of an error below', () => {
  const text = logged((log) => log.error({ err: new Error('no database') }, 'the call failed'));
  expect(text).toMatch(/^\S+ ERROR the call failed\n {2}Error: no database\n {6}at /);
});

it('has nothing that a terminal obeys', () => {
  const hostile = 'x\r\n12:00:00 INFO  forged\u001b[2J\u202e\u2028';
  const text = logged((log) => log.error({ [hostile]: hostile, err: new Error(hostile) }, hostile));
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  expect(text).not.toMatch(/^12:00:00 INFO/m);
});
