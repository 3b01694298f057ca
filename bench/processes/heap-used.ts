/** Returns the size of the heap after a garbage collection, in bytes. */
export function heapUsed(): number {
  if (!globalThis.gc) throw new Error('this process needs --expose-gc');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
