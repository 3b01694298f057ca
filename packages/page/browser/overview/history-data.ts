import type { GetHistoryResponse } from '@kplug/protocol/services';
import { durationOf, millisecondsOf } from '../format/time.ts';

/** Passes and failures over time. */
export interface HistoryData {
  /** Length of each interval, in seconds. */
  readonly step: number;
  /** Beginning of each interval, in seconds. */
  readonly times: readonly number[];
  readonly passes: readonly number[];
  readonly failed: readonly number[];
}

/** Adds up the history of one delegation, or of all for an empty name. */
export function addUp({ start, interval, delegations }: GetHistoryResponse, delegation: string): HistoryData {
  const chosen = delegations.filter((one) => !delegation || one.delegation === delegation);
  const length = Math.max(0, ...chosen.map(({ passes }) => passes.length));
  const from = (millisecondsOf(start) ?? 0) / 1_000;
  const step = (durationOf(interval) ?? 60_000) / 1_000;
  const sum = (key: 'passes' | 'failed') =>
    Array.from({ length }, (_, index) => chosen.reduce((total, one) => total + (one[key][index] ?? 0), 0));
  return {
    step,
    times: Array.from({ length }, (_, index) => from + index * step),
    passes: sum('passes'),
    failed: sum('failed'),
  };
}

/** Joins intervals, so that there are at most `rows`. */
export function coarser({ step, times, passes, failed }: HistoryData, rows: number): HistoryData {
  const size = Math.max(1, Math.ceil(times.length / rows));
  const starts = times.filter((_, index) => index % size === 0);
  const sums = (values: readonly number[]) =>
    starts.map((_, index) => values.slice(index * size, (index + 1) * size).reduce((a, b) => a + b, 0));
  return { step: step * size, times: starts, passes: sums(passes), failed: sums(failed) };
}

/** Figures of a chart; `null` for an interval without any. */
export type ChartFigures = readonly [readonly number[], readonly (number | null)[], readonly (number | null)[]];

/** Returns the figures of a time that ends with the data. The intervals before the operator started have none. @param span in seconds. */
export function chartFigures({ step, times, passes, failed }: HistoryData, span: number): ChartFigures {
  const [first = 0] = times;
  const missing = Math.max(0, Math.floor(span / step) - times.length);
  const before = Array.from({ length: missing }, (_, index) => first - (missing - index) * step);
  const none = before.map(() => null);
  return [
    [...before, ...times],
    [...none, ...passes],
    [...none, ...failed],
  ];
}
