import { describe, expect, it } from 'vitest';
import { checkClocks } from './check-clocks.ts';
import { difference, readClock } from './clock-reading.ts';

const date = 'Thu, 01 Jan 2026 00:00:10 GMT';
const at = Date.parse(date);

describe('the clock of a server', () => {
  it('is known within a second plus the duration of the request', () => {
    expect(readClock(date, at + 100, at + 400)).toEqual({ min: -400, max: 899 });
    expect(readClock(undefined, at, at)).toBeUndefined();
    expect(readClock('tomorrow', at, at)).toBeUndefined();
  });

  it('differs by the smallest possible difference', () => {
    expect(difference({ min: -400, max: 899 }, { min: 0, max: 0 })).toBe(0);
    expect(difference({ min: 3_000, max: 4_000 }, { min: -100, max: 500 })).toBe(2_500);
    expect(difference({ min: -100, max: 500 }, { min: 3_000, max: 4_000 })).toBe(-2_500);
  });
});

describe('clocks', () => {
  const clock = (owner: string, min: number) => ({ owner, reading: { min, max: min + 1_000 } });

  it('agree within two seconds', () => {
    expect(checkClocks([clock('the operator', 1_900), clock('the API server', 900)])).toEqual([
      expect.objectContaining({
        outcome: 'ok',
        message: 'the operator, the API server and this machine have clocks within 2 s of each other',
      }),
    ]);
  });

  it.each([
    [2_000, 'warning'],
    [29_999, 'warning'],
    [30_000, 'problem'],
  ])('that differ by %d ms are a %s', (min, outcome) => {
    expect(checkClocks([clock('the operator', min)])).toEqual([expect.objectContaining({ outcome })]);
  });

  it('are compared with each other and with that of this machine', () => {
    const found = checkClocks([clock('the API server', 0), clock('the operator', -6_000)]);
    expect(found.map(({ message }) => message)).toEqual([
      'the clock of the API server is 5 s ahead of that of the operator',
      'the clock of the operator is 5 s behind that of this machine',
    ]);
  });

  it('that are unknown are not tried', () => {
    expect(checkClocks([{ owner: 'the operator', reading: undefined }])).toEqual([
      expect.objectContaining({ outcome: 'notTried' }),
    ]);
  });
});
