import { describeVerdict, type Report, resultNames, type Verdict } from '@kplug/conformance';
import { plain, type TableContent } from './table.ts';
import type { Colors } from './terminal.ts';

/** Returns a report as a table with one requirement in each row. */
export function reportTable({ verdicts }: Report, colors: Colors): TableContent {
  const color: Record<Verdict['result'], (text: string) => string> = {
    passed: colors.green,
    failed: colors.red,
    warning: colors.yellow,
    notTried: colors.dim,
  };
  const rows = verdicts.map((verdict) => {
    const { number, level, title, result } = verdict;
    return [number, level, title, color[result](resultNames[result]), plain(describeVerdict(verdict))];
  });
  return { header: ['NO', 'LEVEL', 'REQUIREMENT', 'RESULT', 'DETAILS'], rows };
}
