import type { Newcomer } from './newcomer.ts';

/** Prints a table with the duration of each step of each walk, in seconds. */
export function printTimings(walks: ReadonlyMap<string, Newcomer>): void {
  const titles = ['create', 'install', 'test', 'status', 'conformance'];
  const rows = [...walks].map(([name, { timings, seconds }]) => {
    const cells = titles.map((title) => timings.find((timing) => timing.title === title)?.seconds.toFixed(1) ?? '-');
    return [name, ...cells, seconds.toFixed(1)];
  });
  for (const [name = '', ...cells] of [['seconds', ...titles, 'sum'], ...rows])
    console.log(name.padEnd(14) + cells.map((cell) => cell.padStart(12)).join(''));
}
