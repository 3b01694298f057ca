import { setTimeout as delay } from 'node:timers/promises';

/** Returns a signal that SIGINT or SIGTERM aborts, instead of ending the process. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  return interrupted.signal;
}

/** Repeats work at an interval, in milliseconds, until SIGINT or SIGTERM. Rejects if the work does. */
export async function repeatUntilInterrupted(interval: number, work: () => Promise<void>): Promise<void> {
  const signal = interruption();
  while (!signal.aborted) {
    await work();
    // It rejects only when the wait is interrupted.
    await delay(interval, undefined, { signal }).catch(() => undefined);
  }
}
