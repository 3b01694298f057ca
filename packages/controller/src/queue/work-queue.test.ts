import { afterEach, describe, expect, it, vi } from 'vitest';
import { type WorkOutcome, WorkQueue } from './work-queue.ts';

/** A queue of which the test ends each piece of work by hand. */
function heldQueue(concurrency: number) {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const queue = new WorkQueue<string>({
    concurrency,
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

describe('WorkQueue', () => {
  afterEach(() => void vi.useRealTimers());

  it('works on as many keys at once as it may, in the order in which they came', async () => {
    const { queue, started, end } = heldQueue(2);
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    expect(started).toEqual(['a', 'b']);
    expect(queue).toMatchObject({ depth: 2, active: 2 });
    await end('b');
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('never works on one key twice at once, and works again on what was added meanwhile', async () => {
    const { queue, started, end } = heldQueue(4);
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(started).toEqual(['a']);
    await end('a');
    expect(started).toEqual(['a', 'a']);
    await end('a');
    expect(started).toEqual(['a', 'a']);
    await queue.whenIdle();
  });

  it('lets others pass a key that waits for its own work to end', async () => {
    const { queue, started } = heldQueue(2);
    queue.add('a');
    queue.add('a');
    queue.add('b');
    expect(started).toEqual(['a', 'b']);
  });

  it('adds a key after its delay, once; the last delay counts', () => {
    vi.useFakeTimers();
    const { queue, started } = heldQueue(1);
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 5_000);
    vi.advanceTimersByTime(4_999);
    expect(started).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(started).toEqual(['a']);
  });

  it('forgets a delay when the key is added meanwhile, and when it is removed', () => {
    vi.useFakeTimers();
    const { queue, started } = heldQueue(2);
    queue.addAfter('a', 1_000);
    queue.add('a');
    queue.addAfter('b', 1_000);
    queue.remove('b');
    vi.advanceTimersByTime(2_000);
    expect(started).toEqual(['a']);
    expect(queue.depth).toBe(0);
  });

  it('closes when the work under way has ended, and takes nothing more', async () => {
    const { queue, started, end } = heldQueue(1);
    queue.add('a');
    queue.add('b');
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

  it('retries what failed with back-off, and starts anew once it succeeds', async () => {
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

  it('works again after the delay that the work asks for, or at once when the key was added meanwhile', async () => {
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
});
