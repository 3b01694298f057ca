import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import { formatLogDocument, formatLogEntry } from './log-entry.ts';

const colors = picocolors.createColors(false);
const options = { prefix: false, timestamps: false, isPlain: true, colors };
const entry = { source: 'plain.ts', time: '2026-01-01T00:00:00.000Z', stream: 'stdout', text: 'hello' } as const;

const json = '{"level":40,"time":1,"msg":"slow","table":"users","took":{"ms":12}}';

describe('a line of a log', () => {
  it('is printed as it is, with its source and time if wanted', () => {
    expect(formatLogEntry(entry, options)).toBe('hello');
    const line = formatLogEntry(entry, { ...options, prefix: true, timestamps: true });
    expect(line).toBe('[plain.ts] 2026-01-01T00:00:00.000Z hello');
  });

  it('in JSON is text on a terminal, and stays JSON elsewhere', () => {
    expect(formatLogEntry({ ...entry, text: json }, options)).toBe('WARN  slow table=users took={"ms":12}');
    expect(formatLogEntry({ ...entry, text: json }, { ...options, isPlain: false })).toBe(json);
    for (const text of ['{broken', '{"no":"message"}']) expect(formatLogEntry({ ...entry, text }, options)).toBe(text);
  });

  it('has nothing that a terminal obeys', () => {
    const hostile = 'a\u001b[2J\u202eb\tc';
    expect(formatLogEntry({ ...entry, text: hostile }, options)).toBe('a\\u001b[2J\\u202eb  c');
    for (const isPlain of [true, false]) {
      const text = JSON.stringify({ level: 30, msg: hostile, [hostile]: hostile }).replace('\\u001b', '\u001b');
      const source = `x\u001b]0;title\u0007`;
      const line = formatLogEntry({ ...entry, source, text }, { ...options, prefix: true, isPlain });
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    }
    expect(formatLogDocument({ ...entry, text: hostile })).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
