// delegation/: one pass over one resource: gather, select, call, apply, report; finalizing; dependents.

import { KplugError } from '../errors.ts';
import { isSameVersionedName, type PluginName, type VersionedName } from '../names.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import type { KindProblem, Resources } from '../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import type { PluginMethod, SuspendedPlugin } from './breakers/breakers.ts';
import { endOf } from './calls/held-answers.ts';
import type { Choice } from './choices/choose.ts';
import { isPaused } from './control-annotations.ts';
import { assembleParts, type DelegationDependencies, type DelegationParts } from './delegation-parts.ts';
import type { DelegationSettings } from './delegation-settings.ts';
import { type Gathered, gather, readReferences, unblocked } from './extensions/gather.ts';
import { UnrecordedHolders } from './holders/unrecorded-holders.ts';
import type { Operation } from './operations/operation.ts';
import { findHeld } from './passes/hold-answer.ts';
import { describeRequirements, type FoundRequirement } from './requirements/found-requirements.ts';
import type { BaseIndex } from './states/base-index.ts';
import { type BaseState, stateOf } from './states/base-state.ts';
import type { WriteFailure } from './writes/write-failure.ts';
import type { WriteProblem } from './writes/write-failures.ts';

/** Reconciles the resources of one kind with the plugins of one API. */
export class Delegation {
  readonly settings: DelegationSettings;
  /** Plugins that hold resources, for the delegation that replaces this one. */
  readonly holders: UnrecordedHolders;
  readonly #resources: Resources;
  readonly #registry: Registry;
  readonly #parts: DelegationParts;
  #unsubscribe: () => void = () => undefined;
  #implementations: readonly unknown[] = [];

  constructor(settings: DelegationSettings, dependencies: DelegationDependencies, holders = new UnrecordedHolders()) {
    this.settings = settings;
    this.holders = holders;
    this.#resources = dependencies.resources;
    this.#registry = dependencies.registry;
    this.#parts = assembleParts(settings, dependencies, holders);
  }

  /** Starts to reconcile. Fulfilled when all existing resources have been queued. */
  async start(): Promise<void> {
    const { monitor, dependents, baseFollower } = this.#parts;
    // Breakers first: a new instance is probed before resources that failed are queued.
    this.#unsubscribe = this.#registry.subscribe((change) => this.#onPluginChange(change));
    monitor.start();
    await dependents.start();
    await baseFollower.start();
  }

  /** Accepts no more work. Fulfilled when the passes in progress have ended and nothing is followed. */
  async stop(): Promise<void> {
    const { walks, monitor, writeFailures, breakers, releases, queue } = this.#parts;
    const { extensions, dependents, requirements, baseFollower } = this.#parts;
    walks.stop();
    monitor.stop();
    this.#unsubscribe();
    writeFailures.stop();
    breakers.stop();
    releases.cancel(new KplugError('Stopped', 'the delegation stopped before its resources were released'));
    await queue.close();
    extensions.stop();
    dependents.stop();
    requirements.stop();
    baseFollower.stop();
  }

  /**
   * Releases resources that are no longer delegated: removes their status and finalizer, and retains what was created for them.
   * Those that are being deleted are finalized first. Fulfilled when all have been released. Rejects with `Stopped`, or with the
   * reason of the signal; the delegation then continues as before.
   */
  release(includes: (base: Resource) => boolean, signal?: AbortSignal): Promise<void> {
    return this.#parts.releases.run(includes, signal);
  }

  /** Number of resources that have yet to be released. */
  get unreleased(): number {
    return this.#parts.releases.pending;
  }

  /** Queues the resources that a version of a plugin reconciled last or is chosen for. It is no longer suspended. */
  reconcileAgain(plugin: VersionedName): void {
    const isConcerned = (one: VersionedName) => isSameVersionedName(one, plugin);
    this.#parts.breakers.reset(isConcerned);
    this.#callAgain(
      (base) => this.holders.holdersOf(base).some(isConcerned) || this.explain(base).selection.chosen.some(isConcerned),
    );
  }

  /** Queues all resources for a call. No plugin is suspended any more. */
  reconcileAll(): void {
    this.#parts.breakers.reset(() => true);
    this.#callAgain(() => true);
  }

  #callAgain(includes: (base: Resource) => boolean): void {
    const { bases, walks, requests, held } = this.#parts;
    const requeue = (base: Resource) => {
      if (!includes(base)) return;
      // The answers for a paused resource don't count when it is resumed, either.
      if (isPaused(base)) held.drop(keyOf(base));
      else requests.requestCall(keyOf(base));
    };
    walks.add(bases.visit(requeue, { signal: walks.signal }));
  }

  /** Chooses again for the resources of a namespace, as its attachments changed. */
  attachmentsChanged(namespace: string): void {
    this.#parts.walks.add(this.#chooseAgain(namespace));
  }

  async #chooseAgain(namespace: string): Promise<void> {
    const { bases, walks, monitor, queue } = this.#parts;
    const regroup = (base: Resource) => {
      if (base.metadata.namespace === namespace) monitor.update(base);
    };
    await bases.visit(regroup, { signal: walks.signal });
    monitor.review();
    queue.relocate();
  }

  /** Fulfilled when no resource waits for a pass, is in one, or is being queued. Passes that are due later don't count. */
  async whenIdle(): Promise<void> {
    const { walks, queue } = this.#parts;
    do {
      await walks.whenEnded();
      await queue.whenIdle();
    } while (walks.size > 0);
  }

  /** Number of resources that wait for a pass, and of those in a pass. */
  get load(): { waiting: number; active: number } {
    const { queue } = this.#parts;
    return { waiting: queue.depth, active: queue.active };
  }

  /** Reason why resources of the base's kind can't be read; `undefined` when they can. */
  get problem(): KindProblem | undefined {
    return this.#resources.problem(this.settings.base);
  }

  /** Causes for which writes fail, so that resources are held. */
  get writeProblems(): readonly WriteProblem[] {
    return this.#parts.writeFailures.problems;
  }

  /** Plugins that get no calls, as they time out. */
  get suspended(): SuspendedPlugin[] {
    return this.#parts.breakers.suspended;
  }

  /** Describes why a plugin gets no calls for a resource, or for any; `undefined` if it gets calls. */
  suspensionOf(plugin: VersionedName, method: PluginMethod = 'Reconcile'): string | undefined {
    return this.#parts.breakers.describeNow(plugin, method);
  }

  /** Numbers of base resources. */
  get counts(): Pick<BaseIndex, 'total' | 'ready' | 'paused'> {
    return this.#parts.baseFollower.index;
  }

  /** Base resources by state, cause and namespace, as their own states are known. See `problem` for what concerns all of them. */
  get index(): Omit<BaseIndex, 'set' | 'delete'> {
    return this.#parts.baseFollower.index;
  }

  /** Returns the state of a base resource. */
  stateOf(base: Resource): BaseState {
    return stateOf(base, { writeFailure: this.writeFailureOf(keyOf(base)), problem: this.problem });
  }

  /** Returns the number of base resources that are assigned to a plugin. */
  resourcesOf(plugin: PluginName): number {
    return this.#parts.baseFollower.assigned.of(plugin);
  }

  /** Visits the known base resources in slices. Those that come meanwhile may be left out. */
  visitBases(visit: (base: Resource) => void): Promise<void> {
    return this.#parts.bases.visit(visit);
  }

  /** Returns a base resource; `undefined` for a resource that isn't delegated. */
  get(key: ResourceKey): Resource | undefined {
    return this.#parts.bases.get(key);
  }

  /** Reports whether a resource of the base's kind is delegated. */
  concerns(resource: Resource): boolean {
    return this.#parts.bases.concerns(resource);
  }

  /** Returns the current choice for a resource, with its reason. */
  explain(base: Resource): Choice {
    return this.#parts.chooser.choose(base);
  }

  /** Returns a resource with the extensions that it references, and the problems with those references. */
  gather(base: Resource): Gathered {
    return gather(base, readReferences(base, this.settings), this.#resources);
  }

  /** Returns the failed write that prevents the resource from being reconciled, if any. */
  writeFailureOf(key: ResourceKey): WriteFailure | undefined {
    return this.#parts.writeFailures.of(key);
  }

  /** Time of the next pass over a resource without any change, in milliseconds since the epoch. */
  nextPassAt(key: ResourceKey): number | undefined {
    return this.#parts.queue.dueAt(key);
  }

  /** Returns the operations that plugins have in progress for a resource. */
  operationsOf(base: Resource): readonly Operation[] {
    return this.#parts.operations.of(base);
  }

  /** Returns what plugins require for a resource, and the resources that were found. */
  requirementsOf(base: Resource): FoundRequirement[] {
    return describeRequirements(base, this.#parts.requirements);
  }

  /** Time until which the last answers for a resource hold, in milliseconds since the epoch; `undefined` if they don't. */
  answerHoldsUntil(base: Resource): number | undefined {
    const { held: answers, dependents, operations, requirements } = this.#parts;
    const { settings } = this;
    const held = answers.get(keyOf(base));
    if (!held || isPaused(base) || base.metadata.deletionTimestamp !== undefined) return undefined;
    const choice = this.explain(base);
    const gathered = this.gather(base);
    const source = { context: { settings, dependents, operations, requirements }, gathered, attempt: 1, held };
    const validity = findHeld(source, unblocked(choice.selection.chosen, gathered.problems), choice);
    return validity && Math.round(Date.now() + endOf(validity) - performance.now());
  }

  #onPluginChange(change: RegistryChange): void {
    this.#parts.breakers.onPluginChange(change);
    const implementations = this.#registry.implementations(this.settings.api);
    // The list is the same object until an implementation is added or removed.
    if (implementations === this.#implementations) return;
    this.#implementations = implementations;
    this.#parts.queue.relocate();
  }
}
