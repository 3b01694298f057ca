// delegation/: one pass over one resource: gather, select, call, apply, report; finalizing; dependents.

import type { Logger } from 'pino';
import type { PluginCaller } from '../clients/caller.ts';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { isSameVersionedName, type VersionedName } from '../names.ts';
import { visitAll } from '../queue/slices.ts';
import { Walks } from '../queue/walks.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import { findCondition } from '../resources/conditions.ts';
import type { KindProblem, ResourceChange, Resources } from '../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import type { RecentEvents } from '../telemetry/events.ts';
import type { DelegationObserver } from '../telemetry/observer.ts';
import { BaseCounts } from './bases/base-counts.ts';
import { Breakers, type PluginMethod, type SuspendedPlugin } from './breakers/breakers.ts';
import { DelegationCaller } from './calls/delegation-caller.ts';
import { KeptAnswers } from './calls/kept-answers.ts';
import { LaneFinder } from './calls/lane-finder.ts';
import { SlowResources } from './calls/slow-resources.ts';
import { ChoiceMonitor } from './choices/choice-monitor.ts';
import { type Choice, choiceBasisOf, choose } from './choices/choose.ts';
import { isSubstantial, needsRepair } from './classify-change.ts';
import type { DelegationSettings } from './delegation-settings.ts';
import { DependentFollower } from './dependents/dependent-follower.ts';
import { ExtensionFollower } from './extensions/extension-follower.ts';
import { type ExtensionProblem, gather, readReferences } from './extensions/gather.ts';
import { UnrecordedHolders } from './holders/unrecorded-holders.ts';
import type { PassContext, PassResult } from './passes/pass-context.ts';
import { type PassOutcome, runPass } from './passes/run-pass.ts';
import { isReady } from './passes/status.ts';
import { Release } from './releases/release.ts';
import { PassRate } from './requests/pass-rate.ts';
import { Repairs } from './requests/repairs.ts';
import { describeWriteFailure, type WriteFailure } from './writes/write-failure.ts';
import { WriteFailures, type WriteProblem } from './writes/write-failures.ts';

/** Dependencies of a delegation. */
export interface DelegationDependencies {
  resources: Resources;
  registry: Registry;
  caller: PluginCaller;
  events: RecentEvents;
  observer: DelegationObserver;
  log: Logger;
  /** Called when the write problem of the delegation begins or ends. */
  onWriteProblem?: (delegation: string) => void;
}

/** Event of a resource that another client keeps changing. The same for all, so that it is logged once. */
const contested = {
  type: 'Warning',
  reason: 'Overwritten',
  message:
    'another client keeps changing what the operator writes; it is repaired at growing intervals; "kubectl get -o yaml --show-managed-fields" names the client',
} as const;

/** Number of resources, as a multiple of the concurrency, that wait for plugins concurrently if every plugin reconciles each. */
const { maxCallsOfAll } = limits.delegation;

/** Reconciles the resources of one kind with the plugins of one API. */
export class Delegation {
  readonly settings: DelegationSettings;
  /** Plugins that hold resources, for the delegation that replaces this one. */
  readonly holders: UnrecordedHolders;
  readonly #context: PassContext;
  readonly #events: RecentEvents;
  readonly #observer: DelegationObserver;
  readonly #queue: WorkQueue<ResourceKey>;
  readonly #walks = new Walks();
  readonly #monitor: ChoiceMonitor;
  readonly #counts = new BaseCounts();
  readonly #kept = new KeptAnswers();
  readonly #repairs: Repairs;
  readonly #rate = new PassRate();
  readonly #slow = new SlowResources();
  readonly #breakers: Breakers;
  readonly #lanes: LaneFinder;
  readonly #writeFailures: WriteFailures;
  readonly #extensions: ExtensionFollower;
  readonly #dependents: DependentFollower;
  readonly #stopping = new AbortController();
  #unsubscribe: () => void = () => undefined;
  #implementations: readonly unknown[] = [];
  #isStarted = false;
  #release: Release | undefined;

  constructor(
    settings: DelegationSettings,
    { events, observer, log, caller, onWriteProblem, ...dependencies }: DelegationDependencies,
    holders = new UnrecordedHolders(),
  ) {
    const { resources, registry } = dependencies;
    this.settings = settings;
    this.holders = holders;
    this.#events = events;
    this.#observer = observer;
    this.#queue = new WorkQueue({
      concurrency: settings.concurrency * (settings.rules.mode === 'all' ? maxCallsOfAll : 1),
      backOff: settings.backOff,
      lanes: {
        laneOf: (key) => this.#lanes.laneOf(key),
        groupOf: (key) => this.#lanes.groupOf(key),
        isShared: () => this.#lanes.isShared(),
      },
      work: (key) => this.#work(key),
      observe: (waited, worked) => observer.worked(settings.name, waited, worked),
    });
    this.#repairs = new Repairs(settings.backOff.max);
    const enter = (key: ResourceKey, lane: string) => this.#queue.enter(key, lane);
    this.#breakers = new Breakers({
      settings,
      log: log.child({ delegation: settings.name }),
      walks: this.#walks,
      onChange: () => this.#monitor.suspensionsChanged(),
      resume: (key) => this.#queue.add(key, { urgent: this.#isUncalled(key) }),
      refreshWithin: (key, delay) => this.#queue.addWithin(key, delay),
    });
    this.#writeFailures = new WriteFailures({
      backOff: settings.backOff,
      walks: this.#walks,
      resume: (key) => this.#queue.add(key),
      retry: (key) => this.#queue.add(key),
      onChange: () => onWriteProblem?.(settings.name),
    });
    const requeue = (key: ResourceKey) => this.#requeue(key);
    this.#extensions = new ExtensionFollower(
      settings,
      resources,
      this.#walks,
      (base, overwritten) => {
        if (overwritten) this.#repair(base);
        else this.#requeue(base, true);
      },
      enter,
    );
    this.#dependents = new DependentFollower(settings, resources, requeue);
    this.#monitor = new ChoiceMonitor({
      api: settings.api,
      registry,
      walks: this.#walks,
      holdersOf: (base) => holders.holdersOf(base),
      hasSubstitutes: settings.finalize.whenPluginGone === 'fallback',
      basisOf: (base) => choiceBasisOf(base, settings),
      choose: (base) => this.explain(base),
      isReleasing: (key) => this.#isReleasing(resources.get(key)),
      requeue,
      requeueWithin: (key, delay) => this.#queue.addWithin(key, delay),
    });
    const isReleased = (base: Resource) => !this.concerns(base) || this.#isReleasing(base);
    const chooseForPass = (base: Resource) => {
      return choose(base, settings, registry, this.#breakers.suspensions('Reconcile', keyOf(base)));
    };
    this.#lanes = new LaneFinder({
      settings,
      resources,
      registry,
      extensions: this.#extensions,
      slow: this.#slow,
      holdersOf: (base) => holders.holdersOf(base),
      choose: chooseForPass,
      isReleased,
      isAnySuspended: () => this.#breakers.suspensions('Reconcile') !== undefined,
    });
    this.#context = {
      ...dependencies,
      settings,
      caller: new DelegationCaller({ settings, caller, breakers: this.#breakers, slow: this.#slow, enter }),
      breakers: this.#breakers,
      choose: chooseForPass,
      onChosen: (base, chosen) => this.#monitor.starts(base, chosen),
      events,
      extensions: this.#extensions,
      dependents: this.#dependents,
      holders,
      isReleased,
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

  /** Causes for which writes fail, so that resources are held. */
  get writeProblems(): readonly WriteProblem[] {
    return this.#writeFailures.problems;
  }

  /** Starts to reconcile. Fulfilled when all existing resources have been queued. */
  async start(): Promise<void> {
    // Breakers first: a new instance is probed before resources that failed are queued.
    this.#unsubscribe = this.#context.registry.subscribe((change) => this.#onPluginChange(change));
    this.#monitor.start();
    await this.#dependents.start();
    const { signal } = this.#stopping;
    await this.#context.resources.follow(this.settings.base, (change) => this.#onResourceChange(change), { signal });
    this.#isStarted = true;
  }

  /** Accepts no more work. Fulfilled when the passes in progress have ended and nothing is followed. */
  async stop(): Promise<void> {
    this.#walks.stop();
    this.#monitor.stop();
    this.#unsubscribe();
    this.#writeFailures.stop();
    this.#breakers.stop();
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
    const release = new Release(includes);
    this.#release = release;
    const onAbort = () => {
      this.#release = undefined;
      release.cancel(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    await this.visitBases((base) => {
      if (this.#release !== release || !includes(base)) return;
      release.add(keyOf(base));
      this.#requeue(keyOf(base));
    });
    release.addedAll();
    await release.ended;
    signal?.removeEventListener('abort', onAbort);
  }

  /** Queues the resources that a version of a plugin reconciled last. */
  reconcileAgain(plugin: VersionedName): void {
    this.#walks.visitAll(this.#context.resources.list(this.settings.base), (listed) => {
      const base = this.get(keyOf(listed));
      if (base && this.holders.holdersOf(base).some((holder) => isSameVersionedName(holder, plugin)))
        this.#requeue(keyOf(base));
    });
  }

  /** Number of resources that have yet to be released. */
  get unreleased(): number {
    return this.#release?.pending.size ?? 0;
  }

  /** Fulfilled when no resource waits for a pass, is in one, or is being queued. Passes that are due later don't count. */
  async whenIdle(): Promise<void> {
    do {
      await this.#walks.whenEnded();
      await this.#queue.whenIdle();
    } while (this.#walks.size > 0);
  }

  /** Numbers of base resources. */
  get counts(): Pick<BaseCounts, 'total' | 'ready'> {
    return this.#counts;
  }

  /** Visits the known base resources in slices. Those that come meanwhile may be left out. */
  async visitBases(visit: (base: Resource) => void): Promise<void> {
    await visitAll(this.#context.resources.list(this.settings.base), (listed) => {
      const base = this.get(keyOf(listed));
      if (base) visit(base);
    });
  }

  /** Returns a base resource; `undefined` for a resource that isn't delegated. */
  get(key: ResourceKey): Resource | undefined {
    const base = this.#context.resources.get(key);
    return base && this.concerns(base) ? base : undefined;
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
    return choose(base, this.settings, this.#context.registry, this.#breakers.suspensions('Reconcile'));
  }

  /** Plugins that get no calls, as they time out. */
  get suspended(): SuspendedPlugin[] {
    return this.#breakers.suspended;
  }

  /** Describes why a plugin gets no calls for a resource, or for any; `undefined` if it gets calls. */
  suspensionOf(plugin: VersionedName, method: PluginMethod = 'Reconcile'): string | undefined {
    return this.#breakers.describeNow(plugin, method);
  }

  /** Returns the problems with the references of a resource to its extensions. */
  extensionProblems(base: Resource): readonly ExtensionProblem[] {
    return gather(base, readReferences(base, this.settings), this.#context.resources).problems;
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
    if (!change.gone) this.#monitor.update(change.resource);
    if (!change.gone && this.concerns(change.resource)) this.#counts.set(key, isReady(change.resource));
    else this.#counts.delete(key);
    if (change.gone) {
      this.#context.log.info({ resource: key }, 'deleted');
      this.#forget(key);
    } else if (isSubstantial(change)) this.#requeue(key, this.#isStarted);
    else if (needsRepair(change, this.settings.finalizer)) this.#repair(key);
  }

  /** Queues a resource of which another client changed what the controller manages. */
  #repair(key: ResourceKey): void {
    const { delay, isContested } = this.#repairs.next(key);
    if (isContested) this.#events.record(key, contested);
    this.#queue.addWithin(key, delay);
  }

  /** Reports whether a resource was delegated until now, or when the controller stopped last. */
  #wasDelegated({ resource, previous }: ResourceChange): boolean {
    const { finalizers = [] } = resource.metadata;
    if (finalizers.includes(this.settings.finalizer)) return true;
    // The status may be that of another delegation of the same kind; its release then changes nothing.
    return previous ? this.concerns(previous) : findCondition(resource.status, 'PluginSelected') !== undefined;
  }

  #isReleasing(base: Resource | undefined): boolean {
    return base !== undefined && (this.#release?.includes(base) ?? false);
  }

  #onPluginChange(change: RegistryChange): void {
    this.#breakers.onPluginChange(change);
    const implementations = this.#context.registry.implementations(this.settings.api);
    // The list is the same object until an implementation is added or removed.
    if (implementations === this.#implementations) return;
    this.#implementations = implementations;
    this.#queue.relocate();
  }

  /** @param urgent true for the change of a user. */
  #requeue(key: ResourceKey, urgent = false): void {
    this.#kept.drop(key);
    this.#queue.reset(key);
    const delay = this.#rate.request(key);
    if (delay > 0) this.#queue.addWithin(key, delay);
    else this.#queue.add(key, { urgent });
    this.#observer.queued(this.settings.name);
  }

  #forget(key: ResourceKey): void {
    this.#queue.remove(key);
    this.#kept.drop(key);
    this.#repairs.forget(key);
    this.holders.clear(key);
    this.#writeFailures.forget(key);
    this.#breakers.forget(key);
    this.#rate.forget(key);
    this.#slow.delete(key);
    this.#monitor.forget(key);
    this.#extensions.forget(key);
    this.#events.forget(key);
    this.#release?.complete(key);
  }

  async #work(key: ResourceKey): Promise<WorkOutcome> {
    this.#rate.start(key);
    this.#breakers.started(key);
    const outcome = await this.#reconcile(key);
    this.#breakers.passed(key);
    return outcome;
  }

  async #reconcile(key: ResourceKey): Promise<WorkOutcome> {
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
    return this.#nextWork(key, result);
  }

  /** Reports whether a resource waits to be deleted, or for the first call in its generation. */
  #isUncalled(key: ResourceKey): boolean {
    const base = this.#context.resources.get(key);
    return (
      base?.metadata.deletionTimestamp !== undefined || findCondition(base?.status, 'Reconciled')?.status === 'Unknown'
    );
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

  #nextWork(key: ResourceKey, result: PassResult): WorkOutcome {
    switch (result.next) {
      case 'done':
      case 'retry':
        return result;
      case 'stale':
        return { next: 'again', after: this.#rate.request(key) };
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
