import { limits } from '../../limits/limits.ts';
import { type BackOffOptions, backOffDelay } from '../../queue/back-off.ts';
import type { Walks } from '../../queue/walks.ts';
import { parseKey, type ResourceKey } from '../../resources/resource.ts';
import { isShared, type WriteFailure } from './write-failure.ts';

const { writeFailureThreshold, maxWriteProbeInterval, writeFailureLogInterval } = limits.delegation;

/** Dependencies of write failures. */
export interface WriteFailuresOptions {
  /** Bounds of the interval between probes. The largest is also limited by `maxWriteProbeInterval`. */
  backOff: BackOffOptions;
  /** Walks over many resources. Their owner stops them. */
  walks: Walks;
  /** Resumes a resource that was held. */
  resume: (key: ResourceKey) => void;
  /** Retries a resource that failed. */
  retry: (key: ResourceKey) => void;
  /** Called when resources begin to be held for a cause, or no longer are. */
  onChange?: () => void;
  /** Called when `of` changes for a resource that is not gone. Must not throw. */
  onFailure?: (key: ResourceKey) => void;
}

/** Cause for which resources are held. */
export interface WriteProblem {
  failure: WriteFailure;
  /** Number of resources that failed since the last success. */
  failed: number;
  /** Number of resources that wait. */
  held: number;
}

/** Failures with one cause. */
interface Cause {
  failure: WriteFailure;
  /** Resources that failed since the last success. */
  failed: Set<ResourceKey>;
  /** Resources that are held until a write succeeds. */
  held: Set<ResourceKey>;
  probes: number;
  timer: NodeJS.Timeout | undefined;
  loggedAt: number;
  /** Failures since the last message. */
  unlogged: number;
}

/**
 * Circuit breaker for writes: when several resources fail with the same cause and none succeeds, the others are held, and one at
 * a time is resumed as a probe, with back-off. A success resumes all of them. Resources that failed keep their own retries.
 */
export class WriteFailures {
  readonly #options: WriteFailuresOptions;
  readonly #causes = new Map<string, Cause>();
  readonly #failures = new Map<ResourceKey, WriteFailure>();
  /** Resources that were resumed as probes, until their pass starts. */
  readonly #probes = new Set<ResourceKey>();
  /** Retries of resources that failed before a cause ended. A resource that succeeds earlier by itself needs none. */
  readonly #retries = new Map<ResourceKey, NodeJS.Timeout>();

  constructor(options: WriteFailuresOptions) {
    this.#options = options;
  }

  /** Returns the failure of the last pass over a resource, or the one that the resource is held for. */
  of(key: ResourceKey): WriteFailure | undefined {
    return this.#failures.get(key) ?? [...this.#causes.values()].find(({ held }) => held.has(key))?.failure;
  }

  /** Causes for which other resources are held now. */
  get problems(): WriteProblem[] {
    return [...this.#causes.values()].filter(isOpen).map(({ failure, failed, held }) => {
      return { failure, failed: failed.size, held: held.size };
    });
  }

  /** Reports whether the last pass over a resource failed. */
  hasFailed(key: ResourceKey): boolean {
    return this.#failures.has(key);
  }

  /**
   * Records a failed pass. Returns the number of failures since the last message if the cause is to be logged now, `undefined`
   * otherwise.
   */
  add(key: ResourceKey, failure: WriteFailure): number | undefined {
    this.#failures.set(key, failure);
    const id = `${failure.reason}/${failure.namespace ?? ''}`;
    const cause = this.#causes.get(id) ?? newCause(failure);
    this.#causes.set(id, cause);
    cause.failure = failure;
    const wasOpen = isOpen(cause);
    if (isShared(failure)) cause.failed.add(key);
    this.#options.onFailure?.(key);
    if (!wasOpen && isOpen(cause)) this.#options.onChange?.();
    const now = performance.now();
    if (now - cause.loggedAt < writeFailureLogInterval) {
      cause.unlogged++;
      return undefined;
    }
    const { unlogged } = cause;
    cause.loggedAt = now;
    cause.unlogged = 0;
    return unlogged;
  }

  /** Reports whether a resource may be reconciled now. If not, it is held until it is resumed. */
  admit(key: ResourceKey): boolean {
    if (this.#probes.delete(key) || this.#failures.has(key)) return true;
    const cause = [...this.#causes.values()].find((one) => isOpen(one) && concerns(one, key));
    if (!cause) return true;
    cause.held.add(key);
    this.#options.onFailure?.(key);
    if (!cause.timer) this.#scheduleProbe(cause);
    return false;
  }

  /** Records a pass that wrote all that it had to write. */
  succeeded(key: ResourceKey): void {
    const hadFailed = this.#failures.delete(key);
    this.#cancelRetry(key);
    if (hadFailed) this.#options.onFailure?.(key);
    for (const cause of this.#causes.values()) if (concerns(cause, key)) this.#close(cause, key);
  }

  /** Forgets a resource that is gone. */
  forget(key: ResourceKey): void {
    let hadFailed = this.#failures.delete(key);
    this.#probes.delete(key);
    this.#cancelRetry(key);
    for (const cause of this.#causes.values()) {
      const wasOpen = isOpen(cause);
      cause.failed.delete(key);
      hadFailed = cause.held.delete(key) || hadFailed;
      if (wasOpen && !isOpen(cause)) this.#resumeHeld(cause);
    }
    if (hadFailed) this.#options.onFailure?.(key);
  }

  stop(): void {
    for (const { timer } of this.#causes.values()) clearTimeout(timer);
    for (const timer of this.#retries.values()) clearTimeout(timer);
    this.#causes.clear();
    this.#retries.clear();
  }

  /** @param succeeded the resource whose write succeeded, which needs no other pass. */
  #close(cause: Cause, succeeded: ResourceKey): void {
    if (cause.failed.size + cause.held.size === 0) return;
    const { failed } = cause;
    const wasOpen = isOpen(cause);
    cause.failed = new Set();
    if (!wasOpen) return;
    this.#resumeHeld(cause);
    failed.delete(succeeded);
    // Spread, as some may have failed for a reason of their own.
    this.#options.walks.visitAll(failed, (key) => this.#scheduleRetry(key));
  }

  /** Ends the holding of resources for a cause. */
  #resumeHeld(cause: Cause): void {
    clearTimeout(cause.timer);
    cause.timer = undefined;
    cause.probes = 0;
    const { held } = cause;
    cause.held = new Set();
    const { resume, walks, onChange, onFailure } = this.#options;
    walks.visitAll(held, (key) => {
      onFailure?.(key);
      resume(key);
    });
    onChange?.();
  }

  #scheduleRetry(key: ResourceKey): void {
    this.#cancelRetry(key);
    const retry = () => {
      this.#retries.delete(key);
      this.#options.retry(key);
    };
    this.#retries.set(key, setTimeout(retry, Math.random() * maxWriteProbeInterval).unref());
  }

  #cancelRetry(key: ResourceKey): void {
    clearTimeout(this.#retries.get(key));
    this.#retries.delete(key);
  }

  #scheduleProbe(cause: Cause): void {
    const { initial, max = maxWriteProbeInterval } = this.#options.backOff;
    const bounds = { ...(initial !== undefined && { initial }), max: Math.min(max, maxWriteProbeInterval) };
    cause.probes++;
    cause.timer = setTimeout(() => this.#probe(cause), backOffDelay(cause.probes, bounds)).unref();
  }

  #probe(cause: Cause): void {
    cause.timer = undefined;
    const [key] = cause.held;
    if (key === undefined) return;
    cause.held.delete(key);
    this.#probes.add(key);
    this.#options.onFailure?.(key);
    this.#scheduleProbe(cause);
    this.#options.resume(key);
  }
}

function newCause(failure: WriteFailure): Cause {
  const [failed, held] = [new Set<ResourceKey>(), new Set<ResourceKey>()];
  return { failure, failed, held, probes: 0, timer: undefined, loggedAt: Number.NEGATIVE_INFINITY, unlogged: 0 };
}

function isOpen({ failed }: Cause): boolean {
  return failed.size >= writeFailureThreshold;
}

function concerns({ failure: { namespace } }: Cause, key: ResourceKey): boolean {
  return namespace === undefined || namespace === parseKey(key).namespace;
}
