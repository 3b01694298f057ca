import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AwakeClock } from './clock.ts';

describe('AwakeClock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('advances while the process runs', () => {
    using clock = new AwakeClock(() => Date.now());
    const start = clock.now();
    vi.advanceTimersByTime(60_000);
    expect(clock.now() - start).toBe(60_000);
  });

  it('pauses while the event loop is stalled, so that no leases end', () => {
    let stalled = 0;
    using clock = new AwakeClock(() => Date.now() + stalled);
    vi.advanceTimersByTime(5_000);
    const before = clock.now();
    stalled = 60_000;
    expect(clock.now() - before).toBeLessThanOrEqual(250);
    vi.advanceTimersByTime(5_000);
    expect(clock.now() - before).toBeLessThanOrEqual(5_250);
  });

  it('counts a pause of less than a second, which is not a stall', () => {
    let paused = 0;
    using clock = new AwakeClock(() => Date.now() + paused);
    const before = clock.now();
    paused = 900;
    expect(clock.now() - before).toBe(900);
  });
});
