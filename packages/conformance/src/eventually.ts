import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls until a value is found and returns it. Returns `undefined` when none is found in time.
 *
 * @param find returns the value; `undefined` or `false` to poll again.
 * @param timeout in milliseconds.
 */
export async function eventually<T>(
  find: () => T | undefined | Promise<T | undefined>,
  timeout: number,
): Promise<T | undefined> {
  const end = performance.now() + timeout;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (performance.now() >= end) return undefined;
    await delay(10);
  }
}
