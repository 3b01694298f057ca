import { Pace, visitAll } from '../queue/slices.ts';

/** Number of items that are sorted at once. */
const runLength = 1_024;

type Compare<T> = (a: T, b: T) => number;

/** Sorts items in slices, so that the event loop isn't blocked. Returns a new array; the sort is stable. */
export async function sortSliced<T>(items: readonly T[], compare: Compare<T>): Promise<T[]> {
  let sorted = await sortRuns(items, compare);
  for (let width = runLength; width < sorted.length; width *= 2) {
    const merged: T[] = [];
    await visitAll(mergeRuns(sorted, width, compare), (item) => merged.push(item));
    sorted = merged;
  }
  return sorted;
}

/** Sorts each run of items. */
async function sortRuns<T>(items: readonly T[], compare: Compare<T>): Promise<T[]> {
  const pace = new Pace();
  const sorted: T[] = [];
  for (let start = 0; start < items.length; start += runLength) {
    for (const item of items.slice(start, start + runLength).sort(compare)) sorted.push(item);
    if (pace.isOver(true)) await pace.pause();
  }
  return sorted;
}

/** Yields the items with each two sorted runs of a width merged into one. */
function* mergeRuns<T>(items: readonly T[], width: number, compare: Compare<T>): Iterable<T> {
  for (let start = 0; start < items.length; start += 2 * width) {
    const middle = Math.min(start + width, items.length);
    const end = Math.min(middle + width, items.length);
    let left = start;
    let right = middle;
    while (left < middle && right < end) {
      const isLeft = compare(items[left] as T, items[right] as T) <= 0;
      yield items[isLeft ? left++ : right++] as T;
    }
    while (left < middle) yield items[left++] as T;
    while (right < end) yield items[right++] as T;
  }
}
