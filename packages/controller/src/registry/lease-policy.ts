import { limits, limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import type { Lease } from './registration.ts';

const { leaseTtlIntervals: ttlIntervals, minLeaseTtlIntervals: minTtlIntervals } = limits.registry;

/** Lease intervals and limits. All times in milliseconds. */
export interface LeaseOptions {
  /** Heartbeat interval of instances that request none. Default 5,000; typically 1,000 to 60,000. */
  interval?: number;
  /** Time after the last heartbeat at which a lease expires, for instances that request none. Default: three intervals. */
  ttl?: number;
  /** Shortest interval granted. Default 1,000, or `interval` if that is shorter. */
  minInterval?: number;
  /** Longest time to live granted. Default 600,000 (10 min), or `ttl` if that is longer. */
  maxTtl?: number;
}

/** Grants leases within limits. */
export class LeasePolicy {
  readonly #interval: number;
  readonly #ttl: number;
  readonly #minInterval: number;
  readonly #maxTtl: number;
  readonly #usual: Lease;

  constructor(options: LeaseOptions = {}) {
    this.#interval = readLimit(limitTable.registry.leaseInterval, options.interval);
    this.#ttl = readLimit(limitTable.registry.leaseTtl, options.ttl ?? ttlIntervals * this.#interval);
    this.#minInterval = Math.min(readLimit(limitTable.registry.minLeaseInterval, options.minInterval), this.#interval);
    this.#maxTtl = Math.max(readLimit(limitTable.registry.maxLeaseTtl, options.maxTtl), this.#ttl);
    this.#usual = this.#decide({});
  }

  /** Grants a lease for the requested times. At least two heartbeats fit into the time to live. */
  grant(requested: Partial<Lease>): Lease {
    // All instances that request nothing share one object.
    return requested.interval === undefined && requested.ttl === undefined ? this.#usual : this.#decide(requested);
  }

  #decide(requested: Partial<Lease>): Lease {
    const interval = clamp(requested.interval ?? this.#interval, this.#minInterval, this.#maxTtl / minTtlIntervals);
    const ttl = clamp(
      requested.ttl ?? Math.max(this.#ttl, ttlIntervals * interval),
      minTtlIntervals * interval,
      this.#maxTtl,
    );
    return { interval, ttl: roundUp(ttl) };
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** Rounds up to steps: the lease queue keeps a list for each distinct time, whose number must stay small. */
function roundUp(ttl: number): number {
  const step = ttl < 10_000 ? 10 : 1_000;
  return Math.ceil(ttl / step) * step;
}
