import { describe, expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { OutputLog } from './output-log.ts';

const { maxOutputLines, maxOutputSize } = limits.pluginsFolder;

function numbered(): OutputLog {
  let number = 0;
  return new OutputLog(() => ++number);
}

describe('OutputLog', () => {
  it('returns the lines after a number, oldest first', () => {
    const log = numbered();
    for (const text of ['a', 'b', 'c']) log.add(text, 'stderr', 7);
    expect(log.after(0).map(({ text }) => text)).toEqual(['a', 'b', 'c']);
    expect(log.after(2)).toEqual([{ number: 3, text: 'c', stream: 'stderr', pid: 7, at: expect.any(Number) }]);
    expect(log.after(3)).toEqual([]);
    expect(log.droppedUpTo).toBe(0);
  });

  it('keeps a limited number of lines', () => {
    const log = numbered();
    for (let index = 0; index < 3 * maxOutputLines + 5; index++) log.add(`${index}`, 'stdout', 1);
    const lines = log.after(0);
    expect(lines).toHaveLength(maxOutputLines);
    expect([lines[0]?.number, lines.at(-1)?.number]).toEqual([2 * maxOutputLines + 6, 3 * maxOutputLines + 5]);
    expect(log.droppedUpTo).toBe(2 * maxOutputLines + 5);
  });

  it('keeps a limited length', () => {
    const log = numbered();
    const text = 'x'.repeat(8_000);
    for (let index = 0; index < 100; index++) log.add(text, 'stdout', 1);
    expect(log.after(0)).toHaveLength(Math.floor(maxOutputSize / text.length));
    for (let index = 0; index < maxOutputLines; index++) log.add('', 'stdout', 1);
    expect(log.after(0).every((line) => line.text === '')).toBe(true);
  });
});
