import { expect, it } from 'vitest';
import { safeJsonLogLine, safeLogLine } from './log-line.ts';

const hostile = 'a\n[12:00:00] INFO: fake\u001b]52;c;eA==\u0007\u009b2J\u202e\u2066\u200b\ud800';

const isText = (value: unknown) => typeof value === 'string';

it('a line for people has no character that a terminal obeys, in no field and no name of a field', () => {
  const err = { message: hostile, stack: `Error: ${hostile}\n    at run (file.ts:1:1)\n    at main` };
  const line = JSON.parse(safeLogLine(JSON.stringify({ level: 30, msg: hostile, err, [hostile]: [hostile] })));
  expect(line.msg).toBe('a [12:00:00] INFO: fake\\u001b]52;c;eA==\\u0007\\u009b2J\\u202e\\u2066\\u200b\\ud800');
  expect(line.err.stack.split('\n')).toHaveLength(3);
  const texts = [line.msg, line.err.message, ...Object.keys(line), ...Object.values(line).flat()].filter(isText);
  for (const text of texts) expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
});

it('a line in JSON keeps its value, and has no raw character of this kind', () => {
  const content = { level: 30, msg: hostile };
  const line = safeJsonLogLine(`${JSON.stringify(content)}\n`);
  expect(JSON.parse(line)).toEqual(content);
  expect(line.trimEnd()).toMatch(/^[ -~]+$/);
});

it('a line has a limited length, and keeps its message', () => {
  const content = { level: 30, msg: 'm', fields: Array.from({ length: 1_000 }, () => 'x'.repeat(1_000)) };
  for (const line of [safeLogLine(JSON.stringify(content)), safeJsonLogLine(JSON.stringify(content))]) {
    expect(line.length).toBeLessThan(1_000);
    expect(JSON.parse(line)).toMatchObject({ level: 30, msg: 'm' });
  }
  expect(safeLogLine(JSON.stringify({ msg: 'x'.repeat(1_000_000) })).length).toBeLessThan(10_000);
});

it('a line that is not JSON becomes a message', () => {
  expect(JSON.parse(safeLogLine('no JSON\u001b[2J'))).toEqual({ msg: 'no JSON\\u001b[2J' });
});
