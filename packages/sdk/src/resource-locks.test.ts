import { describe, expect, it } from 'vitest';
import { ResourceLocks } from './resource-locks.ts';

const never = new AbortController().signal;

describe('ResourceLocks', () => {
  it('does the work for one resource in sequence, and that for others at once', async () => {
    const locks = new ResourceLocks();
    const first = Promise.withResolvers<string>();
    const order: string[] = [];
    const work = (name: string, result: string | Promise<string> = name) => {
      order.push(`start ${name}`);
      return result;
    };
    const a1 = locks.run('a', never, () => work('a1', first.promise));
    const a2 = locks.run('a', never, () => work('a2'));
    const a3 = locks.run('a', never, () => work('a3'));
    await expect(locks.run('b', never, () => work('b'))).resolves.toBe('b');
    await expect(locks.run(undefined, never, () => work('none'))).resolves.toBe('none');
    expect(order).toEqual(['start a1', 'start b', 'start none']);
    first.resolve('done');
    await expect(Promise.all([a1, a2, a3])).resolves.toEqual(['done', 'a2', 'a3']);
    expect(order.slice(3)).toEqual(['start a2', 'start a3']);
  });

  it('continues after work that failed', async () => {
    const locks = new ResourceLocks();
    const failed = locks.run('a', never, () => Promise.reject(new Error('broken')));
    const next = locks.run('a', never, () => 'next');
    await expect(failed).rejects.toThrow('broken');
    await expect(next).resolves.toBe('next');
  });

  it('does no work whose caller no longer waits, and waits for the earlier work nevertheless', async () => {
    const locks = new ResourceLocks();
    const first = Promise.withResolvers<void>();
    const running = locks.run('a', never, () => first.promise);
    const caller = new AbortController();
    const cancelled = locks.run('a', caller.signal, () => expect.unreachable());
    caller.abort(new Error('gone'));
    await expect(cancelled).rejects.toThrow('gone');
    let isDone = false;
    const next = locks.run('a', never, () => {
      isDone = true;
    });
    await Promise.resolve();
    expect(isDone).toBe(false);
    first.resolve();
    await Promise.all([running, next]);
    expect(isDone).toBe(true);
  });

  it('fails with a retryable error when the earlier work takes too long', async () => {
    const locks = new ResourceLocks(20);
    const first = Promise.withResolvers<void>();
    const running = locks.run('a', never, () => first.promise);
    await expect(locks.run('a', never, () => expect.unreachable())).rejects.toMatchObject({
      code: 'Retry',
      reason: 'EarlierCallRunning',
      message: expect.stringContaining('still running after 20 ms'),
    });
    first.resolve();
    await running;
    await expect(locks.run('a', never, () => 'free')).resolves.toBe('free');
  });
});
