import { retryDelay } from './back-off.ts';
import { sleep } from './sleep.ts';

/**
 * Reads a stream again whenever it ends, until the signal is aborted. The pause before grows while nothing comes.
 *
 * @param read reads it once, and calls its argument whenever something came.
 * @param fail receives each failure.
 */
export async function keepReading(
  read: (onNews: () => void) => Promise<void>,
  signal: AbortSignal,
  fail: (error: unknown) => void,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await read(() => {
        attempt = 1;
      });
    } catch (error) {
      if (signal.aborted) return;
      fail(error);
    }
    await sleep(retryDelay(attempt), signal);
  }
}
