import type { Lease } from './registration.ts';

/** How leases are granted. All times in milliseconds. */
export interface LeaseOptions {
  /** How often instances beat that don't ask for an interval of their own. Default 5 s. */
  interval?: number;
  /** How long instances are believed that don't ask for a time of their own. Default three intervals. */
  ttl?: number;
  /** The shortest interval granted. Default 1 s, or `interval` if that is shorter. */
  minInterval?: number;
  /** The longest time granted. Default 10 min, or `ttl` if that is longer. */
  maxTtl?: number;
}

/** Grants leases within bounds. */
export class LeaseTerms {
  readonly #interval: number;
  readonly #ttl: number;
  readonly #minInterval: number;
  readonly #maxTtl: number;
  readonly #usual: Lease;

  constructor(options: LeaseOptions = {}) {
    this.#interval = options.interval ?? 5_000;
    this.#ttl = options.ttl ?? 3 * this.#interval;
    this.#minInterval = Math.min(options.minInterval ?? 1_000, this.#interval);
    this.#maxTtl = Math.max(options.maxTtl ?? 600_000, this.#ttl);
    this.#usual = this.#decide({});
  }

  /** The lease for an instance that wishes for these terms. Two beats always fit into the time granted. */
  grant(wish: Partial<Lease>): Lease {
    // One object for all that wish for nothing.
    return wish.interval === undefined && wish.ttl === undefined ? this.#usual : this.#decide(wish);
  }

  #decide(wish: Partial<Lease>): Lease {
    const interval = clamp(wish.interval ?? this.#interval, this.#minInterval, this.#maxTtl / 2);
    const ttl = clamp(wish.ttl ?? Math.max(this.#ttl, 3 * interval), 2 * interval, this.#maxTtl);
    return { interval, ttl: roundUp(ttl) };
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** The lease queue keeps a list for each distinct time; steps keep their number small whatever plugins wish for. */
function roundUp(ttl: number): number {
  const step = ttl < 10_000 ? 10 : 1_000;
  return Math.ceil(ttl / step) * step;
}
