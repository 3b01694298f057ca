import type { Newcomer } from './newcomer.ts';

/** Prints a table with the duration of each step of each walk, in seconds. */
export function printTimings(walks: ReadonlyMap<string, Newcomer>): void {
  const titles = ['create', 'install', 'test', 'status'];
  const rows = [...walks].map(([name, { timings }]) => {
    const secondsOf = (title: string) => timings.find((timing) => timing.title === title)?.seconds;
    const sum = titles.reduce((all, title) => all + (secondsOf(title) ?? 0), 0);
    return [name, ...[...titles.map(secondsOf), sum, secondsOf('conformance')].map((one) => one?.toFixed(1) ?? '-')];
  });
  for (const [name = '', ...cells] of [['seconds', ...titles, 'to status', 'conformance'], ...rows])
    console.log(name.padEnd(14) + cells.map((cell) => cell.padStart(12)).join(''));
}
