import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import type { Choice } from './choose.ts';
import { isSameChoice, type PassOutcome } from './run-pass.ts';

/** Delay before refreshing a waiting message, plus spacing per resource, in milliseconds. */
const { refreshDelay, refreshSpacing } = limits.delegation;

/** Dependencies of a choice monitor. */
export interface ChoiceMonitorOptions {
  /** Plugin API of the delegation. */
  api: string;
  registry: Registry;
  /** Returns the delegated resources. */
  bases: () => Iterable<Resource>;
  /** Chooses for a resource among the registered plugins. */
  choose: (base: Resource) => Choice;
  /** Reports whether a resource is being released. */
  isReleasing: (base: Resource) => boolean;
  /** Queues a resource for a pass. */
  requeue: (key: ResourceKey) => void;
  /** Queues a resource for a pass within a delay, in milliseconds. */
  requeueWithin: (key: ResourceKey, delay: number) => void;
}

/**
 * Requeues resources as plugins come and go: those for which another choice would be made than in their last pass, those that
 * failed with a plugin that has a new instance, and those whose status would state another reason for waiting.
 */
export class ChoiceMonitor {
  readonly #options: ChoiceMonitorOptions;
  readonly #lastPasses = new Map<ResourceKey, PassOutcome>();
  #unsubscribe: () => void = () => undefined;
  #isReviewPending = false;

  constructor(options: ChoiceMonitorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#unsubscribe = this.#options.registry.subscribe((change) => this.#onPluginChange(change));
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** Returns the last pass over a resource. */
  lastPass(key: ResourceKey): PassOutcome | undefined {
    return this.#lastPasses.get(key);
  }

  /** Records a pass, and requeues its resource if plugins came or went during it. */
  record(base: Resource, outcome: PassOutcome): void {
    const key = keyOf(base);
    this.#lastPasses.set(key, outcome);
    const isOutdated = base.metadata.deletionTimestamp
      ? outcome.result.next === 'waiting' && outcome.revision !== this.#options.registry.revision
      : this.#isChoiceOutdated(base, outcome);
    if (isOutdated) this.#options.requeue(key);
    else if (this.#isMessageOutdated(base, outcome)) this.#options.requeueWithin(key, refreshDelay);
  }

  /** Forgets a resource that is gone. */
  forget(key: ResourceKey): void {
    this.#lastPasses.delete(key);
  }

  #onPluginChange({ instance, implementations, from, registrationChanged }: RegistryChange): void {
    const affected = implementations.filter(({ api }) => api.name === this.#options.api);
    // An instance with a changed registration may have implemented the API until now.
    if (affected.length === 0 && !registrationChanged) return;
    const isNew = from === undefined || registrationChanged || (instance.state === 'live' && from === 'suspect');
    if (isNew) this.#retryFailed(affected);
    this.#scheduleReview();
  }

  /** A new or changed instance may succeed where others of its plugin failed. */
  #retryFailed(implementations: readonly Implementation[]): void {
    for (const [key, { chosen, result, error }] of this.#lastPasses) {
      if (isRetriedAnyway(error)) continue;
      if (result.next !== 'retry' && result.next !== 'waiting') continue;
      const isAffected = chosen.some(({ plugin }) => implementations.some((one) => one.plugin.equals(plugin)));
      if (isAffected) this.#options.requeue(key);
    }
  }

  /** Instances often come and go together, such as with a rollout; one review serves all. */
  #scheduleReview(): void {
    if (this.#isReviewPending) return;
    this.#isReviewPending = true;
    queueMicrotask(() => {
      this.#isReviewPending = false;
      this.#review();
    });
  }

  #review(): void {
    let refreshed = 0;
    for (const base of this.#options.bases()) {
      const key = keyOf(base);
      const last = this.#lastPasses.get(key);
      if (!last) continue;
      const isOutdated = base.metadata.deletionTimestamp
        ? last.result.next === 'waiting'
        : this.#isChoiceOutdated(base, last);
      if (isOutdated) this.#options.requeue(key);
      else if (this.#isMessageOutdated(base, last)) {
        this.#options.requeueWithin(key, refreshDelay + refreshed * refreshSpacing);
        refreshed++;
      }
    }
  }

  #isChoiceOutdated(base: Resource, { chosen, revision, error }: PassOutcome): boolean {
    if (isRetriedAnyway(error)) return false;
    const { registry, isReleasing, choose } = this.#options;
    if (base.metadata.deletionTimestamp || isReleasing(base)) return false;
    if (revision === registry.revision) return false;
    return !isSameChoice(chosen, choose(base).selection.chosen);
  }

  #isMessageOutdated(base: Resource, { waitingMessage }: PassOutcome): boolean {
    if (waitingMessage === undefined || base.metadata.deletionTimestamp) return false;
    return waitingMessage !== this.#options.choose(base).message;
  }
}

/** Reports whether a pass failed because resources can't be written. Its retry is due with back-off, and chooses again. */
function isRetriedAnyway(error: unknown): boolean {
  return error instanceof KplugError && error.code === 'StorageFailed';
}
