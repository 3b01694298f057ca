import type { WorkQueue } from '../../queue/work-queue.ts';
import type { ResourceKey } from '../../resources/resource.ts';
import type { RecentEvents } from '../../telemetry/events.ts';
import type { DelegationObserver } from '../../telemetry/observer.ts';
import type { HeldAnswers } from '../calls/held-answers.ts';
import type { KeptAnswers } from '../calls/kept-answers.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { PassRate } from './pass-rate.ts';
import { Repairs } from './repairs.ts';

/** Dependencies of pass requests. */
export interface PassRequestsOptions {
  settings: DelegationSettings;
  queue: WorkQueue<ResourceKey>;
  kept: KeptAnswers;
  held: HeldAnswers;
  events: RecentEvents;
  observer: DelegationObserver;
}

/** Event of a resource that another client keeps changing. The same for all, so that it is logged once. */
const contested = {
  type: 'Warning',
  reason: 'Overwritten',
  message:
    'another client keeps changing what the operator writes; it is repaired at growing intervals; "kubectl get -o yaml --show-managed-fields" names the client',
} as const;

/** Requests for passes over resources because something changed. They are queued at a limited rate for each resource. */
export class PassRequests {
  readonly #options: PassRequestsOptions;
  readonly #rate = new PassRate();
  readonly #repairs: Repairs;

  constructor(options: PassRequestsOptions) {
    this.#options = options;
    this.#repairs = new Repairs(options.settings.backOff.max);
  }

  /** Requests a pass: the failures and answers so far no longer count. @param urgent true for the change of a user. */
  request(key: ResourceKey, { urgent = false } = {}): void {
    const { settings, queue, kept, observer } = this.#options;
    kept.drop(key);
    queue.reset(key);
    const delay = this.#rate.request(key);
    if (delay > 0) queue.addWithin(key, delay);
    else queue.add(key, { urgent });
    observer.queued(settings.name);
  }

  /** Requests a pass over a resource of which another client changed what the controller manages. */
  repair(key: ResourceKey): void {
    const { queue, held, events } = this.#options;
    // The status is written again, so that the plugin is called for it.
    held.drop(key);
    const { delay, isContested } = this.#repairs.next(key);
    if (isContested) events.record(key, contested);
    queue.addWithin(key, delay);
  }

  /** Requests a pass that calls the plugins, although their answers may hold. */
  requestCall(key: ResourceKey): void {
    this.#options.held.drop(key);
    this.request(key);
  }

  /** Requests another pass instead of one whose results were discarded. Returns the delay before it, in milliseconds. */
  repeat(key: ResourceKey): number {
    return this.#rate.request(key);
  }

  /** Records that a pass starts. */
  started(key: ResourceKey): void {
    this.#rate.start(key);
  }

  /** Forgets a resource that is gone. */
  forget(key: ResourceKey): void {
    const { queue, kept, held } = this.#options;
    queue.remove(key);
    kept.drop(key);
    held.drop(key);
    this.#repairs.forget(key);
    this.#rate.forget(key);
  }
}
