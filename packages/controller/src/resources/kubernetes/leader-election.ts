import type { Logger } from 'pino';
import { KplugError, messageOf } from '../../errors.ts';
import { limitTable } from '../../limits/limits.ts';
import { readLimit } from '../../limits/read-limit.ts';
import { pause } from '../../queue/pause.ts';
import type { Leadership } from '../services/leadership.ts';
import { ApiError } from './api-error.ts';
import type { Fence } from './fence.ts';
import type { LeaderLabel } from './leader-label.ts';
import type { LeaseContent, LeaseLock, StoredLease } from './lease-lock.ts';
import { microTime } from './micro-time.ts';
import { missingRule } from './missing-rule.ts';

/** Times of leader election, in milliseconds. The defaults are those of client-go. */
export interface LeaderElectionTimes {
  /** Time after which the other controllers take over from a leader that doesn't renew. Default 15,000. */
  leaseDuration?: number;
  /** Time after which a leader that can't renew stops. Less than `leaseDuration`. Default 10,000. */
  renewDeadline?: number;
  /** Interval between attempts to acquire or renew. Less than `renewDeadline`. Default 2,000. */
  retryPeriod?: number;
}

/** Parts of an election. */
export interface LeaderElectionParts {
  lock: LeaseLock;
  fence: Fence;
  /** Label of the leader's pod; missing outside of a pod. */
  label: LeaderLabel | undefined;
  /** Name of this process. It begins with the name of its pod. */
  identity: string;
  logger: Logger;
  times?: LeaderElectionTimes;
}

/**
 * Leader election by a Lease. The leader renews the Lease. Another controller takes over when it has seen the Lease unchanged for its
 * duration, by its own clock; the leader stops writing at the renew deadline, which is earlier.
 */
export class LeaderElection implements Leadership {
  readonly #parts: LeaderElectionParts;
  readonly #times: Required<LeaderElectionTimes>;
  readonly #lost = Promise.withResolvers<string>();
  readonly #stopping = new AbortController();
  #held: StoredLease | undefined;
  #renewing: Promise<void> | undefined;
  #formerHolder = '';
  /** Lease that was read last, and the time since when it is unchanged, by `performance.now()`. */
  #seen: { version: string | undefined; holder: string; at: number } | undefined;

  /** Throws `InvalidConfiguration`. */
  constructor(parts: LeaderElectionParts) {
    this.#parts = parts;
    this.#times = {
      leaseDuration: readLimit(limitTable.kubernetes.leaseDuration, parts.times?.leaseDuration),
      renewDeadline: readLimit(limitTable.kubernetes.renewDeadline, parts.times?.renewDeadline),
      retryPeriod: readLimit(limitTable.kubernetes.retryPeriod, parts.times?.retryPeriod),
    };
    const { leaseDuration, renewDeadline, retryPeriod } = this.#times;
    if (leaseDuration > renewDeadline && renewDeadline > retryPeriod && retryPeriod > 0) return;
    const given = `lease duration ${leaseDuration} ms, renew deadline ${renewDeadline} ms, retry period ${retryPeriod} ms`;
    const rule =
      'the lease duration must be longer than the renew deadline, which must be longer than the retry period';
    throw new KplugError('InvalidConfiguration', `Invalid leader election times (${given}): ${rule}.`);
  }

  get lost(): Promise<string> {
    return this.#lost.promise;
  }

  get leads(): boolean {
    return this.#held !== undefined && this.#parts.fence.isOpen;
  }

  async acquire(signal: AbortSignal): Promise<void> {
    const { lock, identity, logger } = this.#parts;
    const stopping = AbortSignal.any([signal, this.#stopping.signal]);
    const where = `the Lease ${lock.namespace}/${lock.name}`;
    let failure = '';
    for (;;) {
      stopping.throwIfAborted();
      try {
        if (await this.#tryToAcquire(stopping)) break;
        failure = '';
      } catch (error) {
        stopping.throwIfAborted();
        const message = this.#describe(error);
        if (message !== failure) logger.warn({ err: error }, `${where} can't be acquired: ${message}; retrying`);
        failure = message;
      }
      // With jitter, so that waiting controllers don't try at the same time.
      await pause(this.#times.retryPeriod * (1 + Math.random() / 5), stopping);
    }
    logger.info({ identity }, `leading; holding ${where}`);
    this.#renewing = this.#renew();
  }

  async announce(): Promise<void> {
    const { label } = this.#parts;
    if (!label) return;
    // The former leader may have ended without removing its label.
    const formerPod = podOf(this.#formerHolder);
    if (formerPod && formerPod !== label.pod) await label.remove(formerPod);
    await label.add();
  }

  /** Releases the Lease, so that another controller leads immediately. Call it after the last write. */
  async release(): Promise<void> {
    this.#stopping.abort(new KplugError('Stopped', 'the controller is stopping'));
    await this.#renewing;
    const { lock, label, fence, logger } = this.#parts;
    const held = this.#held;
    this.#held = undefined;
    if (!held || !fence.isOpen) return;
    try {
      await label?.remove(label.pod);
      const now = microTime();
      const content = { ...held.content, holder: '', duration: 1_000, renewTime: now, acquireTime: now };
      await lock.update(held, content, AbortSignal.timeout(this.#times.retryPeriod));
    } catch (error) {
      logger.warn({ err: error }, `the Lease can't be released: ${this.#describe(error)}; it will expire`);
    }
    fence.close('Writes are not allowed any more: the leadership was released.');
  }

  async #tryToAcquire(signal: AbortSignal): Promise<boolean> {
    const { lock, logger } = this.#parts;
    const lease = await lock.read(signal);
    const holder = lease?.content.holder ?? '';
    if (lease?.resourceVersion !== this.#seen?.version) {
      if (holder && holder !== this.#seen?.holder) logger.info({ leader: holder }, `${holder} leads; waiting`);
      this.#seen = { version: lease?.resourceVersion, holder, at: performance.now() };
    }
    const seenFor = performance.now() - (this.#seen?.at ?? 0);
    if (lease && holder && seenFor <= lease.content.duration) return false;
    return this.#take(lease, signal);
  }

  async #take(lease: StoredLease | undefined, signal: AbortSignal): Promise<boolean> {
    const { lock, identity, fence } = this.#parts;
    const { leaseDuration, renewDeadline } = this.#times;
    const startedAt = performance.now();
    const now = microTime();
    const content: LeaseContent = {
      holder: identity,
      duration: leaseDuration,
      acquireTime: now,
      renewTime: now,
      transitions: lease ? lease.content.transitions + 1 : 0,
    };
    try {
      this.#held = lease ? await lock.update(lease, content, signal) : await lock.create(content, signal);
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'Conflict') return false;
      throw error;
    }
    this.#formerHolder = lease?.content.holder ?? '';
    fence.open(renewDeadline, startedAt);
    return true;
  }

  /** Renews the Lease until the leadership is lost. Never rejects. */
  async #renew(): Promise<void> {
    const { signal } = this.#stopping;
    const { renewDeadline, retryPeriod } = this.#times;
    let renewedAt = performance.now();
    let failure: string | undefined;
    for (;;) {
      await pause(retryPeriod, signal);
      if (signal.aborted) return;
      const startedAt = performance.now();
      const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(renewedAt + renewDeadline - startedAt)));
      try {
        await this.#renewOnce(AbortSignal.any([signal, deadline]));
        renewedAt = startedAt;
        failure = undefined;
        this.#parts.fence.open(renewDeadline, startedAt);
      } catch (error) {
        if (signal.aborted) return;
        const reason = this.#lossReason(error, failure);
        if (reason) return this.#lose(reason);
        failure = this.#describe(error);
        const left = Math.round((renewedAt + renewDeadline - performance.now()) / 1_000);
        this.#parts.logger.warn({ err: error }, `the leadership can't be renewed: ${failure}; it ends in ${left} s`);
      }
    }
  }

  /** Returns the reason why the leadership is lost after a failed renewal; `undefined` while there is time for another attempt. */
  #lossReason(error: unknown, earlier: string | undefined): string | undefined {
    if (error instanceof LostError) return error.message;
    if (this.#parts.fence.isOpen) return undefined;
    return `renewal failed for ${this.#times.renewDeadline} ms: ${earlier ?? this.#describe(error)}`;
  }

  async #renewOnce(signal: AbortSignal): Promise<void> {
    const { lock, identity, fence } = this.#parts;
    const held = this.#held;
    if (!held || !fence.isOpen) throw new Error('this process was suspended');
    const content = { ...held.content, renewTime: microTime() };
    try {
      this.#held = await lock.update(held, content, signal);
    } catch (error) {
      if (!(error instanceof ApiError) || (error.reason !== 'Conflict' && error.reason !== 'NotFound')) throw error;
      const now = await lock.read(signal);
      if (now?.content.holder === identity) {
        this.#held = now;
        return;
      }
      throw new LostError(now?.content.holder ? `${now.content.holder} has taken it over` : 'the Lease is gone');
    }
  }

  #lose(cause: string): void {
    const { lock, fence, logger } = this.#parts;
    const reason = `This controller no longer leads: the Lease ${lock.namespace}/${lock.name} is lost: ${cause}.`;
    this.#held = undefined;
    fence.close(reason);
    logger.error(reason);
    this.#lost.resolve(reason);
  }

  #describe(error: unknown): string {
    if (!(error instanceof ApiError) || error.reason !== 'Forbidden') return messageOf(error);
    const { namespace } = this.#parts.lock;
    const right = { group: 'coordination.k8s.io', resource: 'leases', verbs: ['get', 'create', 'update'], namespace };
    return missingRule(right);
  }
}

/** Another controller holds the Lease, or the Lease is gone. */
class LostError extends Error {}

function podOf(identity: string): string {
  return identity.slice(0, Math.max(0, identity.lastIndexOf('_')));
}
