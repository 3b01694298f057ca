import type { Page } from 'playwright-core';

/** Returns the memory that the JavaScript of a page uses, in bytes, without what could be freed. */
export async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}
