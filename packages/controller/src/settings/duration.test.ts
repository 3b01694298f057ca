import { describe, expect, it } from 'vitest';
import { duration, parseDuration } from './duration.ts';

describe('a duration', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
  ])('%s is %d ms', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  it.each(['', '5', 's', '5 s', '5d', '-5s', 'soon'])('"%s" is none', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  it('may be milliseconds, but more than none', () => {
    expect(duration.parse(250)).toBe(250);
    expect(() => duration.parse(0)).toThrow(/is no duration; write one such as 500ms/);
  });
});
