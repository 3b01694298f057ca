import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for a delay in milliseconds, or until the signal is aborted. */
export async function pause(delay: number, signal: AbortSignal): Promise<void> {
  // Rejects only when the signal is aborted.
  await sleep(delay, undefined, { signal }).catch(() => undefined);
}
