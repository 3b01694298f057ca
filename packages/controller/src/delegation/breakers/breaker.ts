import { backOffDelay } from '../../queue/back-off.ts';
import { LongTimer } from '../../queue/long-timer.ts';
import type { ResourceKey } from '../../resources/resource.ts';

/** Settings and dependencies of a circuit breaker. */
export interface BreakerOptions {
  /** Number of resources whose calls time out in a row, without an answer between, after which the breaker opens. */
  timeouts: number;
  /** Bounds of the delay between probes, in milliseconds. */
  coolDown: { initial: number; max: number };
  /** Resumes resources that were held. */
  resume: (keys: readonly ResourceKey[]) => void;
  /** Called when the delay until the next probe changes, with the resources that are held. */
  onPostponed: (keys: Iterable<ResourceKey>) => void;
}

/**
 * Circuit breaker of one method of a plugin.
 *
 * - Closed: calls are made.
 * - Open: too many calls timed out. No call is made, and resources are held.
 * - Half-open: one resource is resumed as a probe. An answer of any sort, also a failure, closes the breaker and resumes all
 *   resources; a time-out opens it again, for twice as long.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  /** Resources whose calls timed out since the last answer. */
  readonly #timedOut = new Set<ResourceKey>();
  readonly #held = new Set<ResourceKey>();
  #state: 'closed' | 'open' | 'half-open' = 'closed';
  #openedAt = 0;
  #timer: LongTimer | undefined;
  #probeAt = 0;
  #failedProbes = 0;
  #probe: ResourceKey | undefined;
  /** True once the pass that is the probe has started. A pass that was in progress before is none. */
  #isProbeStarted = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /** Time at which it opened, in milliseconds since the epoch. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** Time of the next probe, or of the one that is in progress, in milliseconds since the epoch. */
  get probeAt(): number {
    return this.#probeAt;
  }

  /** Reports whether a probe is in progress. */
  get isProbing(): boolean {
    return this.#state === 'half-open';
  }

  /** Number of resources that are held. */
  get held(): number {
    return this.#held.size;
  }

  /** Reports whether a call may be made for a resource. */
  allows(key: ResourceKey): boolean {
    if (this.#state === 'half-open') return this.#probe === undefined || this.#probe === key;
    return this.#state === 'closed';
  }

  /** Claims a call for a resource. Returns false if it may not be made. */
  admit(key: ResourceKey): boolean {
    if (!this.allows(key)) return false;
    if (this.#state !== 'half-open') return true;
    this.#probe = key;
    this.#isProbeStarted = true;
    return true;
  }

  /** Holds a resource until the breaker closes or the resource is chosen as a probe. */
  hold(key: ResourceKey): void {
    if (this.#probe !== key) this.#held.add(key);
  }

  /** Records an answer. Returns whether that closed the breaker. */
  answered(): boolean {
    this.#timedOut.clear();
    const wasOpen = this.isOpen;
    if (wasOpen) this.#close();
    return wasOpen;
  }

  /** Records a call that timed out. Returns whether that opened the breaker for the first time. */
  timedOut(key: ResourceKey): boolean {
    this.#timedOut.add(key);
    if (this.#state === 'closed') {
      const { timeouts } = this.#options;
      if (timeouts === 0 || this.#timedOut.size < timeouts) return false;
      this.#openedAt = Date.now();
      this.#open();
      return true;
    }
    if (this.#probe === key) {
      this.#failedProbes++;
      this.#open();
      this.#options.onPostponed(this.#held);
    }
    return false;
  }

  /** Records that a pass starts. It holds its resource again if it may not call the plugin. */
  started(key: ResourceKey): void {
    this.#held.delete(key);
    if (this.#probe === key) this.#isProbeStarted = true;
  }

  /** Records the end of a pass. One that was to be a probe but made no call is followed by another one. */
  passed(key: ResourceKey): void {
    if (this.#probe === key && this.#isProbeStarted) this.#open();
  }

  /** Starts a probe now, as a new instance or version may answer. */
  probeNow(): void {
    if (!this.isOpen) return;
    this.#failedProbes = 0;
    this.#startProbe();
  }

  /** Forgets a resource that is gone. */
  forget(key: ResourceKey): void {
    this.#timedOut.delete(key);
    this.#held.delete(key);
    if (this.#probe === key) this.#open();
  }

  /** Resumes all resources and forgets everything. */
  reset(): void {
    this.#timedOut.clear();
    this.#close();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#held.clear();
  }

  #open(): void {
    this.#state = 'open';
    this.#probe = undefined;
    const { initial, max } = this.#options.coolDown;
    const delay = backOffDelay(this.#failedProbes + 1, { initial, max: Math.max(initial, max) });
    this.#probeAt = Date.now() + delay;
    this.#timer?.cancel();
    this.#timer = new LongTimer(() => this.#startProbe(), delay);
  }

  /** Without a held resource, the next one that is to be called is the probe. */
  #startProbe(): void {
    this.#timer?.cancel();
    this.#state = 'half-open';
    this.#probe = this.#chooseProbe();
    this.#isProbeStarted = false;
    if (this.#probe === undefined) return;
    this.#held.delete(this.#probe);
    this.#options.resume([this.#probe]);
  }

  /** Prefers a resource whose call didn't time out, as the fault may be with the others. */
  #chooseProbe(): ResourceKey | undefined {
    for (const key of this.#held) if (!this.#timedOut.has(key)) return key;
    const [first] = this.#held;
    return first;
  }

  #close(): void {
    this.#timer?.cancel();
    this.#state = 'closed';
    this.#probe = undefined;
    this.#failedProbes = 0;
    const held = [...this.#held];
    this.#held.clear();
    this.#options.resume(held);
  }
}
