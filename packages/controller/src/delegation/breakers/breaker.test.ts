import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Breaker } from './breaker.ts';

let resumed: string[];
let postponed: string[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  resumed = [];
  postponed = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const breakerOf = (timeouts = 3) =>
  new Breaker({
    timeouts,
    coolDown: { initial: 1_000, max: 4_000 },
    resume: (keys) => resumed.push(...keys),
    onPostponed: (keys) => postponed.push(...keys),
  });

function opened(): Breaker {
  const breaker = breakerOf();
  expect(['a', 'b', 'c'].map((key) => breaker.timedOut(key))).toEqual([false, false, true]);
  return breaker;
}

/** Lets the probe of a resource time out. */
function failProbe(breaker: Breaker, key: string): void {
  expect(breaker.admit(key)).toBe(true);
  breaker.timedOut(key);
  breaker.passed(key);
  breaker.hold(key);
}

describe('a closed breaker', () => {
  it('opens after the calls of several resources timed out in a row', () => {
    const breaker = opened();
    expect(breaker.isOpen).toBe(true);
    expect(breaker.admit('d')).toBe(false);
  });

  it('stays closed when an answer comes between, or one resource alone times out', () => {
    const breaker = breakerOf();
    for (const key of ['a', 'b']) breaker.timedOut(key);
    expect(breaker.answered()).toBe(false);
    for (let times = 0; times < 10; times++) for (const key of ['a', 'b']) breaker.timedOut(key);
    expect(breaker.isOpen).toBe(false);
    expect(breaker.admit('d')).toBe(true);
  });

  it('never opens with a threshold of 0', () => {
    const breaker = breakerOf(0);
    for (let index = 0; index < 100; index++) breaker.timedOut(`${index}`);
    expect(breaker.isOpen).toBe(false);
  });
});

describe('an open breaker', () => {
  it('lets one resource through after the cool-down, and holds the others', () => {
    const breaker = opened();
    for (const key of ['a', 'd', 'e']) breaker.hold(key);
    vi.advanceTimersByTime(999);
    expect(resumed).toEqual([]);
    vi.advanceTimersByTime(1);
    // One that has not timed out.
    expect(resumed).toEqual(['d']);
    expect([breaker.allows('e'), breaker.allows('d'), breaker.admit('d')]).toEqual([false, true, true]);
  });

  it('doubles the delay with each probe that times out, up to the maximum, and takes turns', () => {
    const breaker = opened();
    for (const key of ['d', 'e']) breaker.hold(key);
    for (const delay of [1_000, 2_000, 4_000, 4_000]) {
      const before = resumed.length;
      vi.advanceTimersByTime(delay - 1);
      expect(resumed).toHaveLength(before);
      vi.advanceTimersByTime(1);
      failProbe(breaker, resumed.at(-1) ?? '');
    }
    expect(resumed).toEqual(['d', 'e', 'd', 'e']);
    expect(postponed).toContain('e');
  });

  it('closes with any answer, and resumes all resources', () => {
    const breaker = opened();
    for (const key of ['d', 'e', 'f']) breaker.hold(key);
    vi.advanceTimersByTime(1_000);
    breaker.admit('d');
    expect(breaker.answered()).toBe(true);
    expect(breaker).toMatchObject({ isOpen: false, held: 0 });
    expect(resumed).toEqual(['d', 'e', 'f']);
    vi.advanceTimersByTime(60_000);
    expect(resumed).toHaveLength(3);
  });

  it('closes with the late answer of a call that was made before it opened', () => {
    const breaker = opened();
    breaker.hold('d');
    expect(breaker.answered()).toBe(true);
    expect(resumed).toEqual(['d']);
  });

  it('probes another resource when the pass of the probe makes no call', () => {
    const breaker = opened();
    for (const key of ['d', 'e']) breaker.hold(key);
    vi.advanceTimersByTime(1_000);
    breaker.started('d');
    breaker.passed('d');
    expect(breaker.allows('d')).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(resumed).toEqual(['d', 'e']);
    breaker.forget('e');
    breaker.hold('f');
    vi.advanceTimersByTime(1_000);
    expect(resumed).toEqual(['d', 'e', 'f']);
  });

  it('waits for the pass of the probe, also when another one over the same resource was in progress', () => {
    const breaker = opened();
    breaker.started('d');
    breaker.hold('d');
    breaker.probeNow();
    breaker.passed('d');
    expect(breaker.isProbing).toBe(true);
    breaker.started('d');
    expect(breaker.admit('d')).toBe(true);
    expect(breaker.answered()).toBe(true);
  });

  it('takes the next resource as its probe when none is held', () => {
    const breaker = opened();
    vi.advanceTimersByTime(1_000);
    expect(breaker.admit('d')).toBe(true);
    expect(breaker.admit('e')).toBe(false);
  });

  it('probes immediately on request, also while a probe hangs', () => {
    const breaker = opened();
    for (const key of ['d', 'e', 'f']) breaker.hold(key);
    breaker.probeNow();
    breaker.admit('d');
    breaker.probeNow();
    expect(resumed).toEqual(['d', 'e']);
    // The first one is no probe any more.
    breaker.timedOut('d');
    expect(breaker.allows('e')).toBe(true);
  });

  it('does nothing after it was stopped', () => {
    const breaker = opened();
    breaker.hold('d');
    breaker.stop();
    vi.advanceTimersByTime(60_000);
    expect(resumed).toEqual([]);
  });
});
