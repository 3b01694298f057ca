import { describe, expect, it } from 'vitest';
import { backOffDelay, withJitter } from './back-off.ts';

const none = () => 1;

describe('backOffDelay', () => {
  it('doubles with each failure, up to the maximum', () => {
    const delays = [0, 1, 2, 3, 4, 5, 100].map((failures) => backOffDelay(failures, { initial: 50, max: 500 }, none));
    expect(delays).toEqual([50, 50, 100, 200, 400, 500, 500]);
  });
});

describe('withJitter', () => {
  it('reduces a delay by up to half', () => {
    expect(withJitter(100, () => 0)).toBe(50);
    expect(withJitter(100, () => 0.5)).toBe(75);
    expect(withJitter(100, none)).toBe(100);
  });
});
