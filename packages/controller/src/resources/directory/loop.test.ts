import { describe, expect, it, vi } from 'vitest';
import { Loop } from './loop.ts';

describe('Loop', () => {
  it('takes a turn when the time has come and when it is woken, but never two at a time', async () => {
    let turns = 0;
    let running = 0;
    let mostRunning = 0;
    const loop = new Loop(async () => {
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      turns += 1;
      return turns < 3 ? 1 : 3_600_000;
    });
    loop.start(1);
    await vi.waitFor(() => expect(turns).toBe(3));
    loop.wake();
    await vi.waitFor(() => expect(turns).toBe(4));
    for (let woken = 0; woken < 10; woken += 1) loop.wake();
    await vi.waitFor(() => expect(turns).toBeGreaterThan(4));
    await loop.stop();
    const last = turns;
    loop.wake();
    expect([mostRunning, running, turns]).toEqual([1, 0, last]);
  });

  it('takes another turn when it is woken during one', async () => {
    let turns = 0;
    const loop = new Loop(async () => {
      turns += 1;
      if (turns === 1) loop.wake();
      return 3_600_000;
    });
    loop.start(0);
    await vi.waitFor(() => expect(turns).toBe(2));
    await loop.stop();
  });
});
