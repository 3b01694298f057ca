import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { limits } from '../limits/limits.ts';

const { loadSlots, loadSlotTime, maxMeasuredDuration } = limits.telemetry;

/** Longest duration that is measured, in microseconds. */
const maxDuration = maxMeasuredDuration * 1_000;

/** Number of passes or calls, with the percentiles of their durations in milliseconds, if any was measured. */
export interface Figures {
  count: number;
  failed: number;
  p50: number | undefined;
  p99: number | undefined;
}

/** HDR histogram of Node.js: one significant digit takes 4 KB, and has 16 steps for each power of two. */
function newHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: maxDuration, figures: 1 });
}

/** Counts of one period, or of all time. */
class Slot {
  /** Period that is counted. */
  period: number;
  count = 0;
  failed = 0;
  durations: RecordableHistogram | undefined;

  constructor(period: number) {
    this.period = period;
  }

  addDuration(duration: number): void {
    this.durations ??= newHistogram();
    this.durations.record(Math.min(Math.max(1, Math.round(duration * 1_000)), maxDuration));
  }
}

/** Counts passes or calls: those of about the last minute, and all. */
export class WorkFigures {
  readonly #all = new Slot(0);
  /** Slots of the latest periods, by their number modulo `loadSlots`. */
  readonly #slots: Slot[] = [];

  /** Counts one that ended. @param period number of the current period. */
  add(period: number, failed: boolean): void {
    for (const slot of [this.#all, this.#slotOf(period)]) {
      slot.count++;
      if (failed) slot.failed++;
    }
  }

  /** Adds the duration of one, in milliseconds. */
  addDuration(period: number, duration: number): void {
    this.#all.addDuration(duration);
    this.#slotOf(period).addDuration(duration);
  }

  /** Figures since the start. */
  get total(): Figures {
    return figuresOf([this.#all]);
  }

  /** Returns the figures of the latest periods. */
  recent(period: number): Figures {
    return figuresOf(this.#slots.filter((slot) => slot.period > period - loadSlots));
  }

  #slotOf(period: number): Slot {
    const index = period % loadSlots;
    const slot = this.#slots[index];
    if (slot?.period === period) return slot;
    const fresh = new Slot(period);
    this.#slots[index] = fresh;
    return fresh;
  }
}

/** Numbers the periods since a start. */
export class Periods {
  readonly #now: () => number;
  readonly #startedAt: number;

  /** @param now clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
  }

  /** Number of the current period. */
  get current(): number {
    return Math.floor(this.total / loadSlotTime);
  }

  /** Time since the start, in milliseconds. */
  get total(): number {
    return this.#now() - this.#startedAt;
  }

  /** Time that the latest periods cover, in milliseconds. */
  get recent(): number {
    return this.total - Math.max(0, this.current - loadSlots + 1) * loadSlotTime;
  }
}

function figuresOf(slots: readonly Slot[]): Figures {
  const measured = slots.flatMap(({ durations }) => durations ?? []);
  const all = measured.length > 1 ? newHistogram() : measured[0];
  if (measured.length > 1) for (const one of measured) all?.add(one);
  const percentile = (percent: number) => (all && all.count > 0 ? all.percentile(percent) / 1_000 : undefined);
  return {
    count: slots.reduce((sum, { count }) => sum + count, 0),
    failed: slots.reduce((sum, { failed }) => sum + failed, 0),
    p50: percentile(50),
    p99: percentile(99),
  };
}
