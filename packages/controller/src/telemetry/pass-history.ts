import { limits } from '../limits/limits.ts';

const { historyIntervals, historyInterval, maxLabelValues } = limits.telemetry;

/** Passes of about the last hour, in intervals. */
export interface MeasuredHistory {
  /** Beginning of the first interval, in milliseconds since the epoch. */
  start: number;
  /** Length of each interval, in milliseconds. */
  interval: number;
  /** Series by delegation, ordered by name. That of the delegations that are not counted separately has an empty name. */
  delegations: MeasuredSeries[];
}

/** Passes of a delegation in each interval, oldest first. */
export interface MeasuredSeries {
  delegation: string;
  passes: number[];
  failed: number[];
}

/** Name of the delegations that are not counted separately. */
const others = '';

/** Counts the passes of each delegation in intervals. The number of separate counts is limited. */
export class PassHistory {
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #series = new Map<string, Series>();

  /** @param now clock, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startedAt = now();
  }

  /** Counts a pass that ended. */
  passed(delegation: string, failed: boolean): void {
    this.#seriesOf(delegation).add(this.#current, failed);
  }

  /** Returns the intervals since the start, at most those of an hour. Delegations without a pass in them are left out. */
  read(): MeasuredHistory {
    const last = this.#current;
    const first = firstOf(last);
    const age = this.#now() - this.#startedAt - first * historyInterval;
    return {
      start: Math.round(Date.now() - age),
      interval: historyInterval,
      delegations: [...this.#series]
        .filter(([, { latest }]) => latest >= first)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([delegation, series]) => ({ delegation, ...series.read(first, last) })),
    };
  }

  /** Number of the current interval, from 0. */
  get #current(): number {
    return Math.floor((this.#now() - this.#startedAt) / historyInterval);
  }

  #seriesOf(delegation: string): Series {
    const known = this.#series.get(delegation);
    if (known) return known;
    if (this.#series.size >= maxLabelValues) this.#dropEnded();
    const isCounted = this.#series.size < maxLabelValues || delegation === others;
    if (!isCounted) return this.#seriesOf(others);
    const series = new Series();
    this.#series.set(delegation, series);
    return series;
  }

  /** Makes room: drops delegations without a pass in any of the intervals. */
  #dropEnded(): void {
    const first = firstOf(this.#current);
    for (const [delegation, { latest }] of this.#series) if (latest < first) this.#series.delete(delegation);
  }
}

function firstOf(last: number): number {
  return Math.max(0, last - historyIntervals + 1);
}

/** Counts of the latest intervals, each at its number modulo `historyIntervals`. */
class Series {
  readonly #passes = new Uint32Array(historyIntervals);
  readonly #failed = new Uint32Array(historyIntervals);
  /** Latest interval with a pass. */
  latest = -1;

  add(interval: number, failed: boolean): void {
    this.#clearUntil(interval);
    this.latest = interval;
    const index = interval % historyIntervals;
    this.#passes[index] = (this.#passes[index] ?? 0) + 1;
    if (failed) this.#failed[index] = (this.#failed[index] ?? 0) + 1;
  }

  read(first: number, last: number): { passes: number[]; failed: number[] } {
    this.#clearUntil(last);
    const intervals = Array.from({ length: last - first + 1 }, (_, index) => (first + index) % historyIntervals);
    return {
      passes: intervals.map((index) => this.#passes[index] ?? 0),
      failed: intervals.map((index) => this.#failed[index] ?? 0),
    };
  }

  /** Clears what the intervals after the latest one had an hour ago. */
  #clearUntil(interval: number): void {
    for (let one = Math.max(this.latest + 1, firstOf(interval)); one <= interval; one++) {
      this.#passes[one % historyIntervals] = 0;
      this.#failed[one % historyIntervals] = 0;
    }
  }
}
