import { limits } from '../limits/limits.ts';
import { cutText } from '../resources/cut-text.ts';

const { maxFailureReasons, maxPassTextLength } = limits.telemetry;

/** Failures with the same reason. */
export interface CountedFailure {
  reason: string;
  count: number;
  /** Time of the last one, in milliseconds since the epoch. */
  lastAt: number;
  lastMessage: string;
}

/** Reason of the failures whose reasons are no words, or too many to be counted separately. */
const otherReason = 'Other';

const word = /^[A-Za-z][A-Za-z0-9]{0,62}$/;

/** Counts failures by reason. Plugins choose reasons, so that the number of separate counts is limited. */
export class FailureCounts {
  readonly #counts = new Map<string, CountedFailure>();

  add(given: string, message: string): void {
    const reason = this.#reasonOf(given);
    const count = (this.#counts.get(reason)?.count ?? 0) + 1;
    this.#counts.set(reason, { reason, count, lastAt: Date.now(), lastMessage: cutText(message, maxPassTextLength) });
  }

  /** Returns the counts, the most frequent reason first. */
  list(): CountedFailure[] {
    return [...this.#counts.values()].sort((a, b) => b.count - a.count || b.lastAt - a.lastAt);
  }

  #reasonOf(given: string): string {
    if (!word.test(given)) return otherReason;
    // The last place is that of the others.
    return this.#counts.has(given) || this.#counts.size < maxFailureReasons - 1 ? given : otherReason;
  }
}
