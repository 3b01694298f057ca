import { expect, it } from 'vitest';
import { readLogLine } from './log-line.ts';

it.each([
  ['{"level":50,"msg":"a","pid":1,"x":2}', { level: 'error', message: 'a', fields: { x: 2 } }],
  ['{"level":"WARN","message":"a"}', { level: 'warn', message: 'a' }],
  ['{"text":1}', { level: 'warn', message: '{"text":1}' }],
  ['{no JSON', { level: 'warn', message: '{no JSON' }],
  ['2026-11-29 02:18:38,123 INFO kplug.session registered', { level: 'info', message: 'registered' }],
  ['2026/11/29 02:18:38 INFO stopped', { level: 'info', message: 'stopped' }],
  [
    '2026/11/29 02:18:38 ERROR call failed error="no table"',
    { level: 'error', message: 'call failed error="no table"' },
  ],
  ['2026-11-29T02:17:08 WARNING heartbeat failed', { level: 'warn', message: 'heartbeat failed' }],
  ['2026-11-29T02:17:08.123Z [main] INFO  org.example.A - up', { level: 'info', message: 'org.example.A - up' }],
  ['SEVERE: out of memory', { level: 'error', message: 'out of memory' }],
  [
    'time=2026-11-29T02:18:38Z level=INFO msg="stopped"',
    { level: 'info', message: 'time=2026-11-29T02:18:38Z level=INFO msg="stopped"' },
  ],
  ['INFORMATION of any sort', { level: 'warn', message: 'INFORMATION of any sort' }],
  ['Segmentation fault', { level: 'warn', message: 'Segmentation fault' }],
])('reads level and message of %s on standard error', (line, read) => {
  expect(readLogLine(line, 'stderr')).toEqual(read);
});

it('leaves out deeply nested fields', () => {
  const line = (depth: number) => `{"level":30,"msg":"a","b":1,"c":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  expect(readLogLine(line(2), 'stdout')).toMatchObject({ fields: { b: 1, c: [[]] } });
  expect(readLogLine(line(3_000), 'stdout')).toEqual({ level: 'info', message: 'a', fields: { b: 1 } });
});

it('logs other lines on standard output as information', () => {
  expect(readLogLine('hello', 'stdout')).toEqual({ level: 'info', message: 'hello' });
});
