import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import type { VersionedName } from '../../names.ts';
import { Pace } from '../../queue/slices.ts';
import type { Walks } from '../../queue/walks.ts';
import type { Registry, RegistryChange } from '../../registry/registry.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { PassOutcome } from '../passes/pass-context.ts';
import { AwaitedPlugins, anyPlugin } from './awaited-plugins.ts';
import { ChoiceGroups, type ChoiceGroupsOptions, type Cohort } from './choice-groups.ts';
import { isSameChoice } from './choose.ts';
import { Standings } from './standings.ts';

/** Delay before refreshing a waiting message, plus spacing per resource, in milliseconds. */
const { refreshDelay, refreshSpacing } = limits.delegation;

/** Dependencies of a choice monitor. */
export interface ChoiceMonitorOptions extends ChoiceGroupsOptions {
  /** Plugin API of the delegation. */
  api: string;
  registry: Registry;
  /** Walks over many resources. Their owner stops them. */
  walks: Walks;
  /** Returns the plugins that hold a resource. */
  holdersOf: (base: Resource) => readonly VersionedName[];
  /** True if another plugin may finalize a resource when the one that reconciled it is unavailable. */
  hasSubstitutes: boolean;
  /** Reports whether a resource is being released. */
  isReleasing: (key: ResourceKey) => boolean;
  /** Queues a resource for a pass. */
  requeue: (key: ResourceKey) => void;
  /** Queues a resource for a pass within a delay, in milliseconds. */
  requeueWithin: (key: ResourceKey, delay: number) => void;
}

/**
 * Requeues resources as plugins come and go: those for which another choice would be made than in their last pass, those that
 * failed with a plugin or wait for it when it has a new instance, and those whose status would state another reason for waiting.
 *
 * It makes one decision for all resources whose choice depends on the same, and none while the standings of the plugins stay as they
 * are. Many resources are queued in slices.
 */
export class ChoiceMonitor {
  readonly #options: ChoiceMonitorOptions;
  readonly #groups: ChoiceGroups;
  readonly #standings = new Standings();
  readonly #awaited = new AwaitedPlugins();
  #unsubscribe: () => void = () => undefined;
  #isReviewDue = false;
  #isReviewing = false;

  constructor(options: ChoiceMonitorOptions) {
    this.#options = options;
    this.#groups = new ChoiceGroups(options);
  }

  start(): void {
    const { registry, api } = this.#options;
    this.#standings.update(registry.implementations(api));
    this.#unsubscribe = registry.subscribe((change) => this.#onPluginChange(change));
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** Records the choice of a pass that starts to hand a resource over, so that changes of plugins during it requeue only for another choice. */
  starts(base: Resource, chosen: readonly VersionedName[]): void {
    if (!base.metadata.deletionTimestamp) this.#groups.set(base, { chosen });
  }

  /** Records a pass, and requeues its resource if plugins came or went during it. */
  record(base: Resource, outcome: PassOutcome): void {
    const key = keyOf(base);
    const { chosen, waitingMessage, revision, error } = outcome;
    const { registry, requeue, requeueWithin } = this.#options;
    const isWaitedFor = this.#awaited.set(key, this.#awaitedBy(base, outcome), revision);
    if (base.metadata.deletionTimestamp || isRetriedAnyway(error)) this.#groups.delete(key);
    else this.#groups.set(base, { chosen, ...(waitingMessage !== undefined && { waitingMessage }) });
    const cohort = this.#groups.cohortOf(key);
    const isOutdated = cohort && revision !== registry.revision && this.#isChoiceOutdated(cohort);
    if (isWaitedFor || (isOutdated && !this.#options.isReleasing(key))) requeue(key);
    else if (cohort && this.#isMessageOutdated(cohort)) requeueWithin(key, refreshDelay);
  }

  /** Takes in a resource that changed. */
  update(base: Resource): void {
    if (base.metadata.deletionTimestamp) this.#groups.delete(keyOf(base));
    else this.#groups.update(base);
  }

  /** Forgets a resource that is gone. */
  forget(key: ResourceKey): void {
    this.#groups.delete(key);
    this.#awaited.delete(key);
  }

  /**
   * Decides again for all resources, as something changed that choices depend on besides the plugins' standings. Changes often come
   * together, such as with a rollout; one review serves all.
   */
  review(): void {
    this.#groups.invalidate();
    this.#isReviewDue = true;
    if (this.#isReviewing) return;
    this.#isReviewing = true;
    this.#options.walks.add(this.#reviewAll());
  }

  /** Forgets decisions, as a plugin was suspended or isn't any more. Their resources move when they are to be called. */
  suspensionsChanged(): void {
    this.#groups.invalidate();
  }

  #onPluginChange({
    instance,
    implementations,
    formerImplementations,
    from,
    registrationChanged,
  }: RegistryChange): void {
    const affected = implementations.filter(({ api }) => api.name === this.#options.api);
    const former = formerImplementations.filter(({ api }) => api.name === this.#options.api);
    const changed = this.#standings.update([...affected, ...former]);
    const isNew = from === undefined || registrationChanged || (instance.state === 'live' && from === 'suspect');
    const arrived = isNew ? affected : changed.filter(({ unavailability }) => unavailability === undefined);
    // Another version may take the place of one that has left.
    const left = changed.filter(({ size }) => size === 0);
    for (const key of new Set([...arrived, ...left].map(({ plugin }) => plugin.key))) this.#retry(key);
    if (changed.length > 0) this.review();
    for (const { plugin } of left) if (!this.#standings.has(plugin)) this.#awaited.leave(plugin.key);
  }

  /** A new or changed instance may succeed where others of its plugin failed. */
  #retry(plugin: string): void {
    const { registry, requeue, walks } = this.#options;
    walks.visitAll(this.#awaited.arrive(plugin, registry.revision), requeue);
  }

  /** Reviews after the current change, in case others come with it. */
  async #reviewAll(): Promise<void> {
    await Promise.resolve();
    while (this.#isReviewDue && !this.#options.walks.signal.aborted) {
      this.#isReviewDue = false;
      await this.#reviewGroups();
    }
    this.#isReviewing = false;
  }

  async #reviewGroups(): Promise<void> {
    const review: Review = { pace: new Pace(), refreshed: 0 };
    for (const group of this.#groups.all) {
      for (const cohort of [...group.cohorts.values()]) {
        if (this.#isChoiceOutdated(cohort) || this.#isMessageOutdated(cohort)) await this.#reviewCohort(cohort, review);
      }
      if (review.pace.isOver(true)) await review.pace.pause();
    }
  }

  /** Reviews the resources of a cohort in slices. Between these, passes may move resources, and plugins come and go. */
  async #reviewCohort(cohort: Cohort, review: Review): Promise<void> {
    for (const key of [...cohort.members]) {
      if (this.#options.walks.signal.aborted) return;
      if (this.#groups.cohortOf(key) === cohort) this.#reviewOne(key, cohort, review);
      if (review.pace.isOver()) await review.pace.pause();
    }
  }

  #reviewOne(key: ResourceKey, cohort: Cohort, review: Review): void {
    const { isReleasing, requeue, requeueWithin } = this.#options;
    if (this.#isChoiceOutdated(cohort) && !isReleasing(key)) {
      requeue(key);
    } else if (this.#isMessageOutdated(cohort)) {
      requeueWithin(key, refreshDelay + review.refreshed * refreshSpacing);
      review.refreshed++;
    }
  }

  #isChoiceOutdated({ group, last }: Cohort): boolean {
    return !isSameChoice(last.chosen, this.#groups.choiceOf(group).selection.chosen);
  }

  #isMessageOutdated({ group, last: { waitingMessage } }: Cohort): boolean {
    return waitingMessage !== undefined && waitingMessage !== this.#groups.choiceOf(group).message;
  }

  /** Returns the keys of the plugins whose new instances retry a resource. */
  #awaitedBy(base: Resource, { chosen, result: { next }, error }: PassOutcome): string[] {
    if (isRetriedAnyway(error)) return [];
    if (!base.metadata.deletionTimestamp) {
      return next === 'retry' || next === 'waiting' ? chosen.map(({ plugin }) => plugin.key) : [];
    }
    if (next !== 'waiting') return [];
    return this.#options.hasSubstitutes ? [anyPlugin] : this.#options.holdersOf(base).map(({ plugin }) => plugin.key);
  }
}

/** Review of all groups. */
interface Review {
  readonly pace: Pace;
  /** Number of resources whose statuses are to be refreshed. */
  refreshed: number;
}

/** Reports whether a pass failed because resources can't be written. Its retry is due with back-off, and chooses again. */
function isRetriedAnyway(error: unknown): boolean {
  return error instanceof KplugError && error.code === 'StorageFailed';
}
