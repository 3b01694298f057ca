import { describe, expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
  ])('parses %s as %d ms', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  it.each(['', '5', 's', '5 s', '5d', '-5s', 'soon'])('rejects "%s"', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );
});
