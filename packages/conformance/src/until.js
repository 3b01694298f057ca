import { setTimeout as delay } from 'node:timers/promises';
/** Looks until there is something, and returns it; `undefined` when there is nothing in time. @param within in milliseconds. */
export async function until(look, within) {
  const end = performance.now() + within;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() >= end) return undefined;
    await delay(10);
  }
}
//# sourceMappingURL=until.js.map
