import { describe, expect, it } from 'vitest';
import { BackOff } from './back-off.ts';

describe('BackOff', () => {
  it('doubles the delay with each failure up to the maximum, and starts again after a reset', () => {
    const backOff = new BackOff<string>({ initial: 100, max: 1_000 }, () => 1);
    const delays = Array.from({ length: 6 }, () => backOff.fail('a'));
    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(backOff.failures('a')).toBe(6);
    expect(backOff.failures('b')).toBe(0);
    backOff.reset('a');
    expect(backOff.fail('a')).toBe(100);
  });

  it('spreads delays over their upper half', () => {
    const backOff = (random: number) => new BackOff<string>({ initial: 100 }, () => random).fail('a');
    expect([backOff(0), backOff(0.5)]).toEqual([50, 75]);
  });

  it('stays at the maximum delay however often it fails', () => {
    const backOff = new BackOff<string>({}, () => 1);
    for (let failures = 0; failures < 2_000; failures++) backOff.fail('a');
    expect(backOff.fail('a')).toBe(300_000);
  });
});
