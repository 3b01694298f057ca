import type { Activity } from '@kplug/protocol/services';

/** Rows that are kept. */
const maxRows = 1_000;

/** Row of the feed: an activity, or a number of them that the operator left out. */
export type FeedRow =
  | { readonly kind: 'activity'; readonly id: string; readonly activity: Activity }
  | { readonly kind: 'gap'; readonly id: string; readonly leftOut: number };

/** Latest activities, newest first, in a bounded number. While it is held, it doesn't change, and counts what comes. */
export class Feed {
  #rows: FeedRow[] = [];
  #held: { rows: readonly FeedRow[]; count: number } | undefined;
  #newest = -1n;
  #gaps = 0;

  /** Rows to show. */
  get rows(): readonly FeedRow[] {
    return this.#held?.rows ?? this.#rows;
  }

  /** Number of activities that came since it was held. */
  get waiting(): number {
    return this.#held?.count ?? 0;
  }

  /** Adds an activity, unless it is known: after a new connection the latest ones come again. */
  add(activity: Activity): void {
    if (activity.sequence <= this.#newest) return;
    this.#newest = activity.sequence;
    this.#push({ kind: 'activity', id: `${activity.sequence}`, activity });
  }

  /** Adds a mark for activities that were left out. */
  leaveOut(leftOut: number): void {
    this.#push({ kind: 'gap', id: `gap ${++this.#gaps}`, leftOut });
  }

  /** Keeps what is shown, or shows all that came again. */
  hold(isHeld: boolean): void {
    if (!isHeld) this.#held = undefined;
    else this.#held ??= { rows: this.#rows, count: 0 };
  }

  /** Forgets everything, as after a restart of the operator, which counts from the beginning. */
  clear(): void {
    this.#rows = [];
    this.#newest = -1n;
    if (this.#held) this.#held = { rows: [], count: 0 };
  }

  #push(row: FeedRow): void {
    this.#rows = [row, ...this.#rows.slice(0, maxRows - 1)];
    if (this.#held) this.#held.count++;
  }
}
