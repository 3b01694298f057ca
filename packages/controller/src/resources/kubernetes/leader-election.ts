import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { KplugError, messageOf } from '../../errors.ts';
import type { Leadership } from '../cluster-services.ts';
import { ApiError } from './api-error.ts';
import type { Fence } from './fence.ts';
import type { LeaderLabel } from './leader-label.ts';
import type { LeaseContent, LeaseLock, StoredLease } from './lease-lock.ts';
import { microTime } from './micro-time.ts';
import { missingRule } from './missing-rule.ts';

/** On which terms one of several controllers leads, in milliseconds. The defaults are client-go's. */
export interface LeaderElectionTerms {
  /** How long the others wait for a leader that is silent. Default 15,000. */
  leaseDuration?: number;
  /** How long the leader goes on without having renewed. Less than `leaseDuration`. Default 10,000. */
  renewDeadline?: number;
  /** How long between two tries. Less than `renewDeadline`. Default 2,000. */
  retryPeriod?: number;
}

/** What an election works with. */
export interface LeaderElectionParts {
  lock: LeaseLock;
  fence: Fence;
  /** Marks the leader's pod; missing outside of a pod. */
  label: LeaderLabel | undefined;
  /** Names this process, and begins with the name of its pod. */
  identity: string;
  logger: Logger;
  terms?: LeaderElectionTerms;
}

/**
 * Leads as long as it can renew a Lease. The others take over when they have seen the Lease unchanged for its duration, by
 * their own clock; this one stops writing at the renew deadline, which is earlier.
 */
export class LeaderElection implements Leadership {
  readonly #parts: LeaderElectionParts;
  readonly #terms: Required<LeaderElectionTerms>;
  readonly #lost = Promise.withResolvers<string>();
  readonly #stopping = new AbortController();
  #held: StoredLease | undefined;
  #renewing: Promise<void> | undefined;
  #formerHolder = '';
  /** The Lease as it was read last, and since when it has been so, by `performance.now()`. */
  #seen: { version: string | undefined; holder: string; at: number } | undefined;

  /** Throws `InvalidConfiguration`. */
  constructor(parts: LeaderElectionParts) {
    this.#parts = parts;
    this.#terms = { leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000, ...parts.terms };
    const { leaseDuration, renewDeadline, retryPeriod } = this.#terms;
    if (leaseDuration > renewDeadline && renewDeadline > retryPeriod && retryPeriod > 0) return;
    const given = `${leaseDuration}, ${renewDeadline} and ${retryPeriod} ms`;
    const rule = 'the lease duration must be longer than the renew deadline, and that longer than the retry period';
    throw new KplugError('InvalidConfiguration', `Leader election can't work with ${given}: ${rule}.`);
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
        if (message !== failure) logger.warn({ err: error }, `${where} can't be had: ${message}; it is tried again`);
        failure = message;
      }
      // Spread, so that those who wait don't all try at once.
      await pause(this.#terms.retryPeriod * (1 + Math.random() / 5), stopping);
    }
    logger.info({ identity }, `leading, by ${where}`);
    this.#renewing = this.#renew();
  }

  async announce(): Promise<void> {
    const { label } = this.#parts;
    if (!label) return;
    // It may have been stopped without having a chance to do so itself.
    const formerPod = podOf(this.#formerHolder);
    if (formerPod && formerPod !== label.pod) await label.remove(formerPod);
    await label.add();
  }

  /** Lets another one lead at once. To be called when nothing will be written any more. */
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
      await lock.update(held, content, AbortSignal.timeout(this.#terms.retryPeriod));
    } catch (error) {
      logger.warn({ err: error }, `the Lease can't be released: ${this.#describe(error)}; it ends by itself`);
    }
    fence.close('Nothing may be written any more: the lead was given up.');
  }

  async #tryToAcquire(signal: AbortSignal): Promise<boolean> {
    const { lock, logger } = this.#parts;
    const lease = await lock.read(signal);
    const holder = lease?.content.holder ?? '';
    if (lease?.resourceVersion !== this.#seen?.version) {
      if (holder && holder !== this.#seen?.holder)
        logger.info({ leader: holder }, `${holder} leads; waiting for it to end`);
      this.#seen = { version: lease?.resourceVersion, holder, at: performance.now() };
    }
    const seenFor = performance.now() - (this.#seen?.at ?? 0);
    if (lease && holder && seenFor <= lease.content.duration) return false;
    return this.#take(lease, signal);
  }

  async #take(lease: StoredLease | undefined, signal: AbortSignal): Promise<boolean> {
    const { lock, identity, fence } = this.#parts;
    const { leaseDuration, renewDeadline } = this.#terms;
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

  /** Renews until it can't. Never rejects. */
  async #renew(): Promise<void> {
    const { signal } = this.#stopping;
    const { renewDeadline, retryPeriod } = this.#terms;
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
        const why = this.#whyLost(error, failure);
        if (why) return this.#lose(why);
        failure = this.#describe(error);
        const left = Math.round((renewedAt + renewDeadline - performance.now()) / 1_000);
        this.#parts.logger.warn({ err: error }, `the lead can't be renewed: ${failure}; it ends in ${left} s`);
      }
    }
  }

  /** Why a renewal that failed was the last one, or nothing when there is time for another. */
  #whyLost(error: unknown, earlier: string | undefined): string | undefined {
    if (error instanceof LostError) return error.message;
    if (this.#parts.fence.isOpen) return undefined;
    return `it could not be renewed for ${this.#terms.renewDeadline} ms: ${earlier ?? this.#describe(error)}`;
  }

  async #renewOnce(signal: AbortSignal): Promise<void> {
    const { lock, identity, fence } = this.#parts;
    const held = this.#held;
    if (!held || !fence.isOpen) throw new Error('this process was not running');
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

  #lose(why: string): void {
    const { lock, fence, logger } = this.#parts;
    const reason = `This controller leads no more: the Lease ${lock.namespace}/${lock.name} is lost, as ${why}.`;
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

/** Waits so many milliseconds, or until the signal is aborted. */
async function pause(delay: number, signal: AbortSignal): Promise<void> {
  await sleep(delay, undefined, { signal }).catch(() => undefined);
}

/** Somebody else has the Lease. */
class LostError extends Error {}

function podOf(identity: string): string {
  return identity.slice(0, Math.max(0, identity.lastIndexOf('_')));
}
