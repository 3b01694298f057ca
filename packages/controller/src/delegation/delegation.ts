// delegation/: one pass over one resource: gather, select, call, apply, report; finalizing; dependents.

import type { Logger } from 'pino';
import type { PluginCaller } from '../clients/caller.ts';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { Registry } from '../registry/registry.ts';
import { findCondition } from '../resources/conditions.ts';
import type { KindProblem, ResourceChange, Resources } from '../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import type { RecentEvents } from '../telemetry/events.ts';
import type { DelegationObserver } from '../telemetry/observer.ts';
import { ChoiceMonitor } from './choice-monitor.ts';
import { type Choice, choose } from './choose.ts';
import { isSubstantial, needsRepair } from './classify-change.ts';
import type { DelegationSettings } from './delegation-settings.ts';
import { DependentFollower } from './dependents/dependent-follower.ts';
import { ExtensionFollower } from './extension-follower.ts';
import { KeptAnswers } from './kept-answers.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { Release } from './release.ts';
import { type PassOutcome, runPass } from './run-pass.ts';
import { UnrecordedHolders } from './unrecorded-holders.ts';
import { describeWriteFailure, type WriteFailure } from './write-failure.ts';
import { WriteFailures } from './write-failures.ts';

/** Dependencies of a delegation. */
export interface DelegationDependencies {
  resources: Resources;
  registry: Registry;
  caller: PluginCaller;
  events: RecentEvents;
  observer: DelegationObserver;
  log: Logger;
}

/** Delay before repairing what another client changed, in milliseconds, so that two that fight over a field do so slowly. */
const { repairDelay } = limits.delegation;

/** Reconciles the resources of one kind with the plugins of one API. */
export class Delegation {
  readonly settings: DelegationSettings;
  /** Plugins that hold resources, for the delegation that replaces this one. */
  readonly holders: UnrecordedHolders;
  readonly #context: PassContext;
  readonly #events: RecentEvents;
  readonly #observer: DelegationObserver;
  readonly #queue: WorkQueue<ResourceKey>;
  readonly #monitor: ChoiceMonitor;
  readonly #kept = new KeptAnswers();
  readonly #writeFailures: WriteFailures;
  readonly #extensions: ExtensionFollower;
  readonly #dependents: DependentFollower;
  readonly #stopping = new AbortController();
  #release: Release | undefined;

  constructor(
    settings: DelegationSettings,
    { events, observer, log, ...dependencies }: DelegationDependencies,
    holders = new UnrecordedHolders(),
  ) {
    const { resources, registry } = dependencies;
    this.settings = settings;
    this.holders = holders;
    this.#events = events;
    this.#observer = observer;
    this.#queue = new WorkQueue({
      concurrency: settings.concurrency,
      backOff: settings.backOff,
      work: (key) => this.#work(key),
      observe: (waited, worked) => observer.worked(settings.name, waited, worked),
    });
    this.#writeFailures = new WriteFailures({
      backOff: settings.backOff,
      resume: (key) => this.#queue.add(key),
      retry: (key) => this.#queue.add(key),
    });
    const requeue = (key: ResourceKey) => this.#requeue(key);
    this.#extensions = new ExtensionFollower(settings, resources, (base, overwritten) => {
      if (overwritten) this.#queue.addWithin(base, repairDelay);
      else requeue(base);
    });
    this.#dependents = new DependentFollower(settings, resources, requeue);
    this.#monitor = new ChoiceMonitor({
      api: settings.api,
      registry,
      bases: () => this.bases(),
      choose: (base) => this.explain(base),
      isReleasing: (base) => this.#isReleasing(base),
      requeue,
      requeueWithin: (key, delay) => this.#queue.addWithin(key, delay),
    });
    this.#context = {
      ...dependencies,
      settings,
      events,
      extensions: this.#extensions,
      dependents: this.#dependents,
      holders,
      isReleased: (base) => !this.concerns(base) || this.#isReleasing(base),
      log: log.child({ delegation: settings.name }),
    };
  }

  /** Number of resources that wait for a pass, and of those in a pass. */
  get load(): { waiting: number; active: number } {
    return { waiting: this.#queue.depth, active: this.#queue.active };
  }

  /** Reason why resources of the base's kind can't be read; `undefined` when they can. */
  get problem(): KindProblem | undefined {
    return this.#context.resources.problem(this.settings.base);
  }

  /** Starts to reconcile. Fulfilled when all existing resources have been queued. */
  async start(): Promise<void> {
    this.#monitor.start();
    await this.#dependents.start();
    const { signal } = this.#stopping;
    await this.#context.resources.follow(this.settings.base, (change) => this.#onResourceChange(change), { signal });
  }

  /** Accepts no more work. Fulfilled when the passes in progress have ended and nothing is followed. */
  async stop(): Promise<void> {
    this.#monitor.stop();
    this.#writeFailures.stop();
    this.#release?.cancel(new KplugError('Stopped', 'the delegation stopped before its resources were released'));
    await this.#queue.close();
    this.#extensions.stop();
    this.#dependents.stop();
    this.#stopping.abort();
  }

  /**
   * Releases resources that are no longer delegated: removes their status and finalizer, and retains what was created for them.
   * Those that are being deleted are finalized first. Fulfilled when all have been released. Rejects with `Stopped`, or with the
   * reason of the signal; the delegation then continues as before.
   */
  async release(includes: (base: Resource) => boolean, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const release = new Release(includes, this.bases());
    if (release.pending.size === 0) return;
    this.#release = release;
    const onAbort = () => {
      this.#release = undefined;
      release.cancel(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    for (const key of [...release.pending]) this.#requeue(key);
    await release.ended;
    signal?.removeEventListener('abort', onAbort);
  }

  /** Number of resources that have yet to be released. */
  get unreleased(): number {
    return this.#release?.pending.size ?? 0;
  }

  /** Fulfilled when no resource waits for a pass or is in one. Passes that are due later don't count. */
  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  /** Returns the known base resources. */
  *bases(): Iterable<Resource> {
    for (const base of this.#context.resources.list(this.settings.base)) if (this.concerns(base)) yield base;
  }

  /** Reports whether a resource of the base's kind is delegated. */
  concerns({ metadata: { namespace = '', labels = {} } }: Resource): boolean {
    const { namespaces, labels: wanted } = this.settings;
    return (
      (namespaces?.has(namespace) ?? true) && Object.entries(wanted).every(([name, value]) => labels[name] === value)
    );
  }

  /** Returns the current choice for a resource, with its reason. */
  explain(base: Resource): Choice {
    return choose(base, this.settings, this.#context.registry);
  }

  /** Returns the failed write that prevents the resource from being reconciled, if any. */
  writeFailureOf(key: ResourceKey): WriteFailure | undefined {
    return this.#writeFailures.of(key);
  }

  /** Time of the next pass over a resource without any change, in milliseconds since the epoch. */
  nextPassAt(key: ResourceKey): number | undefined {
    return this.#queue.dueAt(key);
  }

  #onResourceChange(change: ResourceChange): void {
    if (!this.concerns(change.resource) && !this.#wasDelegated(change)) return;
    const key = keyOf(change.resource);
    if (change.gone) {
      this.#context.log.info({ resource: key }, 'deleted');
      this.#forget(key);
    } else if (isSubstantial(change)) this.#requeue(key);
    else if (needsRepair(change, this.settings.finalizer)) this.#queue.addWithin(key, repairDelay);
  }

  /** Reports whether a resource was delegated until now, or when the controller stopped last. */
  #wasDelegated({ resource, previous }: ResourceChange): boolean {
    const { finalizers = [] } = resource.metadata;
    if (finalizers.includes(this.settings.finalizer)) return true;
    // The status may be that of another delegation of the same kind; its release then changes nothing.
    return previous ? this.concerns(previous) : findCondition(resource.status, 'PluginSelected') !== undefined;
  }

  #isReleasing(base: Resource): boolean {
    return this.#release?.includes(base) ?? false;
  }

  #requeue(key: ResourceKey): void {
    this.#kept.drop(key);
    this.#queue.reset(key);
    this.#queue.add(key);
    this.#observer.queued(this.settings.name);
  }

  #forget(key: ResourceKey): void {
    this.#queue.remove(key);
    this.#kept.drop(key);
    this.holders.clear(key);
    this.#writeFailures.forget(key);
    this.#monitor.forget(key);
    this.#extensions.forget(key);
    this.#events.forget(key);
    this.#release?.complete(key);
  }

  async #work(key: ResourceKey): Promise<WorkOutcome> {
    const before = this.#context.resources.get(key);
    const isHeld = before && !before.metadata.deletionTimestamp && !this.#writeFailures.admit(key);
    if (isHeld) return { next: 'done' };
    const outcome = await this.#runPass(key);
    if (!outcome) return { next: 'done' };
    const { result, error } = outcome;
    this.#observer.passed(this.settings.name, result.next);
    if (error !== undefined) this.#onFailure(key, error);
    else if (result.next !== 'stale' && result.next !== 'done') this.#writeFailures.succeeded(key);
    const base = this.#context.resources.get(key);
    if (!base) return { next: 'done' };
    if (result.next === 'done') {
      this.#release?.complete(key);
      this.#writeFailures.forget(key);
    }
    if (result.next === 'done' && !this.concerns(base)) this.#forget(key);
    else this.#monitor.record(base, outcome);
    return this.#nextWork(result);
  }

  /** Returns `undefined` when the controller is stopping. */
  async #runPass(key: ResourceKey): Promise<PassOutcome | undefined> {
    const outcome = await runPass(this.#context, key, {
      attempt: this.#queue.failures(key) + 1,
      kept: this.#kept.of(key),
      hasFailedWrite: this.#writeFailures.hasFailed(key),
    });
    if (outcome.result.next === 'retry') this.#kept.endPass(key);
    else this.#kept.drop(key);
    const { error } = outcome;
    const isStopping = error instanceof KplugError && (error.code === 'Stopped' || error.code === 'LeadershipLost');
    return isStopping ? undefined : outcome;
  }

  /** Reports a pass that ended with an exception: an Event for each resource, one log line for each cause. */
  #onFailure(key: ResourceKey, error: unknown): void {
    const failure = describeWriteFailure(key, error);
    const { code, reason, message } = failure;
    this.#observer.writeFailed(this.settings.name, reason);
    this.#events.recordUnlogged(key, { type: 'Warning', reason: code, message });
    const similar = this.#writeFailures.add(key, failure);
    if (similar === undefined) return;
    const count = similar > 0 ? ` (${similar} similar failures since the last message)` : '';
    this.#context.log.error({ err: error, resource: key, reason }, `pass failed: ${message}; retrying${count}`);
  }

  #nextWork(result: PassResult): WorkOutcome {
    switch (result.next) {
      case 'done':
      case 'retry':
        return result;
      case 'stale':
        return { next: 'again', after: 0 };
      case 'settled':
      case 'waiting':
        return { next: 'again', after: result.after ?? this.#resyncDelay() };
    }
  }

  /** Spreads resyncs by a tenth, in steps that let timers share their lists, so that resources don't stay together. */
  #resyncDelay(): number {
    const step = Math.round(Math.random() * 100) / 100;
    return this.settings.resync * (0.9 + step / 5);
  }
}
