import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LanePolicy } from './lanes.ts';
import { type WorkOutcome, WorkQueue } from './work-queue.ts';

/** Queue whose work the test ends by hand. */
function heldQueue(concurrency: number, lanes?: LanePolicy<string>) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const queue = new WorkQueue<string>({
    concurrency,
    ...(lanes && { lanes }),
    work: (key) => {
      started.push(key);
      return new Promise((resolve) => ends.set(key, resolve));
    },
  });
  const end = async (key: string) => {
    ends.get(key)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, started, end };
}

/** Waits until keys that were added have been started. */
const settle = () => Promise.resolve();

describe('WorkQueue', () => {
  afterEach(() => void vi.useRealTimers());

  it('works on as many keys concurrently as allowed, in the order in which they were added', async () => {
    const { queue, started, end } = heldQueue(2);
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await settle();
    expect(started).toEqual(['a', 'b']);
    expect(queue).toMatchObject({ depth: 2, active: 2 });
    await end('b');
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('never works on one key twice concurrently, and works again on a key that was added during its work', async () => {
    const { queue, started, end } = heldQueue(4);
    queue.add('a');
    await settle();
    queue.add('a');
    queue.add('a');
    expect(started).toEqual(['a']);
    await end('a');
    expect(started).toEqual(['a', 'a']);
    await end('a');
    expect(started).toEqual(['a', 'a']);
    await queue.whenIdle();
  });

  it('starts other keys while a key waits for its own work to end', async () => {
    const { queue, started } = heldQueue(2);
    queue.add('a');
    await settle();
    queue.add('a');
    queue.add('b');
    await settle();
    expect(started).toEqual(['a', 'b']);
  });

  it('works on urgent keys first, also on one that became urgent during its work', async () => {
    const { queue, started, end } = heldQueue(1);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await settle();
    queue.add('a');
    queue.add('a', { urgent: true });
    queue.add('c', { urgent: true });
    for (const key of ['a', 'c', 'a', 'b']) await end(key);
    expect(started).toEqual(['a', 'c', 'a', 'b']);
  });

  it('counts work to the lane that it enters, and starts what may start then', async () => {
    const lanes = { laneOf: (key: string) => key.slice(0, 1), groupOf: () => '', isShared: () => true };
    const { queue, started, end } = heldQueue(4, lanes);
    for (const key of ['a1', 'a2', 'a3', 'a4', 'a5']) queue.add(key);
    await settle();
    expect(started).toEqual(['a1', 'a2', 'a3']);
    queue.enter('a1', 'b');
    expect(started).toEqual(['a1', 'a2', 'a3', 'a4']);
    await end('a1');
    expect(started).toEqual(['a1', 'a2', 'a3', 'a4']);
    await end('a2');
    expect(started).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
  });

  it('assigns waiting keys to other lanes on request', async () => {
    let lane = 'hung';
    const { queue, started } = heldQueue(1, { laneOf: () => lane, groupOf: () => '', isShared: () => true });
    queue.add('a');
    queue.add('b');
    await settle();
    lane = 'sound';
    expect(started).toEqual(['a']);
    queue.relocate();
    expect(started).toEqual(['a', 'b']);
  });

  it('starts keys together that are added together', async () => {
    const { queue, started, end } = heldQueue(2);
    queue.add('a');
    queue.add('b');
    queue.add('a');
    await end('a');
    expect(started).toEqual(['a', 'b']);
    await end('a');
    await end('b');
    await queue.whenIdle();
    expect(started).toEqual(['a', 'b']);
  });

  it('is idle when the only key is removed before it starts', async () => {
    const { queue } = heldQueue(1);
    queue.add('a');
    const idle = queue.whenIdle();
    queue.remove('a');
    await idle;
  });

  it('lets the event loop run while it works on many keys without waiting for it', async () => {
    let isTicked = false;
    let worked = 0;
    let workedBeforeTick = 0;
    const queue = new WorkQueue<number>({
      work: async () => {
        const until = performance.now() + 1;
        while (performance.now() < until);
        worked++;
        if (!isTicked) workedBeforeTick = worked;
      },
    });
    for (let key = 0; key < 100; key++) queue.add(key);
    setTimeout(() => {
      isTicked = true;
    }, 1);
    await queue.whenIdle();
    expect(worked).toBe(100);
    expect(workedBeforeTick).toBeLessThan(50);
  });

  it('adds a key once, after the latest delay', () => {
    vi.useFakeTimers();
    const { queue, started } = heldQueue(1);
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 5_000);
    vi.advanceTimersByTime(4_999);
    expect(started).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(started).toEqual(['a']);
  });

  it('cancels a delay when the key is added or removed', async () => {
    vi.useFakeTimers();
    const { queue, started } = heldQueue(2);
    queue.addAfter('a', 1_000);
    queue.add('a');
    queue.addAfter('b', 1_000);
    queue.remove('b');
    await settle();
    vi.advanceTimersByTime(2_000);
    expect(started).toEqual(['a']);
    expect(queue.depth).toBe(0);
  });

  it('closes when the work in progress has ended, and accepts no more keys', async () => {
    const { queue, started, end } = heldQueue(1);
    queue.add('a');
    queue.add('b');
    await settle();
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    queue.add('c');
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    await end('a');
    await closing;
    expect(started).toEqual(['a']);
  });

  it('retries failed work with back-off, and resets the back-off on success', async () => {
    vi.useFakeTimers();
    const failures: number[] = [];
    const outcomes: WorkOutcome[] = [
      { next: 'retry' },
      { next: 'retry' },
      { next: 'done' },
      { next: 'retry', after: 7 },
    ];
    const queue: WorkQueue<string> = new WorkQueue<string>({
      backOff: { initial: 100, max: 1_000 },
      work: async (key) => {
        failures.push(queue.failures(key));
        return outcomes.shift();
      },
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(100);
    expect(failures).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(200);
    expect(failures).toEqual([0, 1, 2]);
    queue.add('a');
    await vi.advanceTimersByTimeAsync(7);
    expect(failures).toEqual([0, 1, 2, 0, 1]);
  });

  it('works again after the delay that the work requests, or immediately if the key was added meanwhile', async () => {
    vi.useFakeTimers();
    let runs = 0;
    const queue: WorkQueue<string> = new WorkQueue<string>({
      work: async (key) => {
        runs++;
        if (runs === 1) queue.add(key);
        return { next: 'again', after: 1_000 };
      },
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(0);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(runs).toBe(3);
  });

  it('keeps an earlier due time that was set during the work', async () => {
    vi.useFakeTimers();
    let runs = 0;
    const queue: WorkQueue<string> = new WorkQueue<string>({
      work: async (key) => {
        runs++;
        if (runs === 1) queue.addWithin(key, 10);
        return { next: 'again', after: 5_000 };
      },
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(10);
    expect(runs).toBe(2);
  });

  it('keeps an earlier due time when a key is to be added within a delay', () => {
    vi.useFakeTimers();
    const { queue, started } = heldQueue(1);
    queue.addAfter('a', 1_000);
    queue.addWithin('a', 5_000);
    vi.advanceTimersByTime(1_000);
    expect(started).toEqual(['a']);
    queue.addAfter('b', 5_000);
    queue.addWithin('b', 1_000);
    expect(queue.dueAt('b')).toBe(Date.now() + 1_000);
  });

  it('retries a key on request, with back-off', () => {
    vi.useFakeTimers();
    const started: string[] = [];
    const queue = new WorkQueue<string>({
      backOff: { initial: 100, max: 1_000 },
      work: async (key) => void started.push(key),
    });
    queue.retry('a');
    expect(queue.failures('a')).toBe(1);
    expect(started).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(started).toEqual(['a']);
  });
});
