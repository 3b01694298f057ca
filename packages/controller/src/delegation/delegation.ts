import type { Logger } from 'pino';
import type { PluginCaller } from '../clients/caller.ts';
import { KplugError, messageOf } from '../errors.ts';
import { BackOff } from '../queue/back-off.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import type { KindProblem, ResourceChange, Resources } from '../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import type { RecentEvents } from '../telemetry/events.ts';
import type { DelegationObserver } from '../telemetry/observer.ts';
import { type Choice, choose } from './choose.ts';
import type { DelegationSettings } from './declaration.ts';
import { DependentFollower } from './dependents/dependent-follower.ts';
import { ExtensionFollower } from './extension-follower.ts';
import { isSameChoice, type ReconcilePassResult, reconcilePass } from './pass.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { isSubstantial, isTamperedWith } from './substantial.ts';

/** What a delegation works with. */
export interface DelegationDependencies {
  resources: Resources;
  registry: Registry;
  caller: PluginCaller;
  events: RecentEvents;
  observer: DelegationObserver;
  log: Logger;
}

/** How long after somebody changed the controller's part of a resource it is put right, in milliseconds. */
const repairDelay = 1_000;

/** How soon a status tells why it still waits when that changes, and how much later the next one does, in milliseconds. */
const rewordDelay = 500;
const rewordStep = 10;

/** Resources that are delegated no more, until the last one has been let go. */
interface Release {
  includes: (base: Resource) => boolean;
  left: Set<ResourceKey>;
  ended: PromiseWithResolvers<void>;
}

/** What is remembered of the last pass over a resource. */
type LastPass = Pick<ReconcilePassResult, 'chosen' | 'next' | 'revision' | 'whyNone'>;

/** One kind, reconciled by the plugins of one API for as long as it runs. */
export class Delegation {
  readonly settings: DelegationSettings;
  readonly #context: PassContext;
  readonly #events: RecentEvents;
  readonly #observer: DelegationObserver;
  readonly #queue: WorkQueue<ResourceKey>;
  readonly #backOff: BackOff<ResourceKey>;
  readonly #lastPasses = new Map<ResourceKey, LastPass>();
  readonly #extensions: ExtensionFollower;
  readonly #dependents: DependentFollower;
  readonly #stopping = new AbortController();
  #unsubscribe: () => void = () => undefined;
  #reviewing = false;
  #release: Release | undefined;

  constructor(settings: DelegationSettings, { events, observer, log, ...dependencies }: DelegationDependencies) {
    this.settings = settings;
    this.#events = events;
    this.#observer = observer;
    this.#extensions = new ExtensionFollower(settings, dependencies.resources, (base, overwritten) => {
      if (overwritten) this.#repair(base);
      else this.#requeue(base);
    });
    this.#dependents = new DependentFollower(settings, dependencies.resources, (base) => this.#requeue(base));
    this.#context = {
      ...dependencies,
      settings,
      events,
      extensions: this.#extensions,
      dependents: this.#dependents,
      isReleased: (base) => !this.concerns(base) || (this.#release?.includes(base) ?? false),
      log: log.child({ delegation: settings.name }),
    };
    this.#backOff = new BackOff(settings.backOff);
    this.#queue = new WorkQueue({
      concurrency: settings.concurrency,
      work: (key) => this.#work(key),
      observe: (waited, worked) => observer.worked(settings.name, waited, worked),
    });
  }

  /** How many resources wait for a pass, and how many are in one. */
  get load(): { waiting: number; active: number } {
    return { waiting: this.#queue.depth, active: this.#queue.active };
  }

  /** Why the resources of the base's kind can't be had; `undefined` when all is well. */
  get problem(): KindProblem | undefined {
    return this.#context.resources.problem(this.settings.base);
  }

  /** Starts to reconcile: what is there, and then what changes. Fulfilled when all that is there has been queued. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#context.registry.subscribe((change) => this.#onPluginChange(change));
    await this.#dependents.start();
    const { signal } = this.#stopping;
    await this.#context.resources.follow(this.settings.base, (change) => this.#onResourceChange(change), { signal });
  }

  /** Stops taking work, and is fulfilled when what is under way has ended. Then nothing is followed any more. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#release?.ended.reject(new KplugError('Stopped', 'the delegation stopped before it had let its resources go'));
    await this.#queue.close();
    this.#extensions.stop();
    this.#dependents.stop();
    this.#stopping.abort();
  }

  /**
   * Lets go of the resources that are delegated no more: takes back their status and finalizer, and leaves what was made for
   * them. Those that are being deleted are finalized first. Fulfilled when all have been let go; rejects with `Stopped`, or with
   * the reason of the signal, which has the delegation go on as before.
   */
  async release(includes: (base: Resource) => boolean, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const left = new Set([...this.bases()].filter(includes).map(keyOf));
    if (left.size === 0) return;
    const ended = Promise.withResolvers<void>();
    this.#release = { includes, left, ended };
    const goOn = () => {
      this.#release = undefined;
      ended.reject(signal?.reason);
    };
    signal?.addEventListener('abort', goOn, { once: true });
    for (const key of left) this.#requeue(key);
    await ended.promise;
    signal?.removeEventListener('abort', goOn);
  }

  /** How many resources have yet to be let go. */
  get unreleased(): number {
    return this.#release?.left.size ?? 0;
  }

  /** Fulfilled when no resource waits for a pass or is in one. Those that will be looked at again later don't count. */
  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  /** The base resources known now. */
  *bases(): Iterable<Resource> {
    for (const base of this.#context.resources.list(this.settings.base)) if (this.concerns(base)) yield base;
  }

  /** Whether a resource of the base's kind is one that is delegated. */
  concerns({ metadata: { namespace = '', labels = {} } }: Resource): boolean {
    const { namespaces, labels: wanted } = this.settings;
    return (
      (namespaces?.has(namespace) ?? true) && Object.entries(wanted).every(([name, value]) => labels[name] === value)
    );
  }

  /** What would be chosen for a resource now, and why. */
  explain(base: Resource): Choice {
    return choose(base, this.settings, this.#context.registry);
  }

  /** When a resource is looked at again although nothing changes, in milliseconds since the epoch. */
  nextPassAt(key: ResourceKey): number | undefined {
    return this.#queue.dueAt(key);
  }

  #onResourceChange(change: ResourceChange): void {
    if (!this.concerns(change.resource) && !this.#wasOurs(change)) return;
    if (change.gone) this.#forget(keyOf(change.resource));
    else if (isSubstantial(change)) this.#requeue(keyOf(change.resource));
    else if (isTamperedWith(change, this.settings.finalizer)) this.#repair(keyOf(change.resource));
  }

  /** Whether a resource was delegated until now, or until the controller was stopped. */
  #wasOurs({ resource, previous }: ResourceChange): boolean {
    const { finalizers = [] } = resource.metadata;
    return finalizers.includes(this.settings.finalizer) || (previous !== undefined && this.concerns(previous));
  }

  /** Puts right what somebody else changed in the controller's part. Two that fight over a field mustn't do so without pause. */
  #repair(key: ResourceKey): void {
    if ((this.#queue.dueAt(key) ?? Number.POSITIVE_INFINITY) > Date.now() + repairDelay) {
      this.#queue.addAfter(key, repairDelay);
    }
  }

  #requeue(key: ResourceKey): void {
    this.#backOff.reset(key);
    this.#queue.add(key);
    this.#observer.queued(this.settings.name);
  }

  #forget(key: ResourceKey): void {
    this.#queue.remove(key);
    this.#backOff.reset(key);
    this.#lastPasses.delete(key);
    this.#extensions.forget(key);
    this.#events.forget(key);
    this.#letGo(key);
  }

  #letGo(key: ResourceKey): void {
    const release = this.#release;
    if (release?.left.delete(key) && release.left.size === 0) release.ended.resolve();
  }

  #onPluginChange({ instance, implementations, from, registrationChanged }: RegistryChange): void {
    const concerned = implementations.filter(({ api }) => api.name === this.settings.api);
    // A registration that changed may have stopped to implement the API: its former implementations aren't known here.
    if (concerned.length === 0 && !registrationChanged) return;
    const isNew = from === undefined || registrationChanged || (instance.state === 'live' && from === 'suspect');
    if (isNew) this.#retryFailed(concerned);
    this.#review();
  }

  /** A new or changed instance of a plugin may succeed where the former ones failed. */
  #retryFailed(implementations: readonly Implementation[]): void {
    for (const [key, { chosen, next }] of this.#lastPasses) {
      if (next !== 'retry' && next !== 'waiting') continue;
      if (chosen.some(({ plugin }) => implementations.some((one) => one.plugin === plugin))) this.#requeue(key);
    }
  }

  /** Queues the resources for which another choice would be made now than at their last pass: those and no others. */
  #review(): void {
    if (this.#reviewing) return;
    this.#reviewing = true;
    // Many instances may come or go at once; they are reviewed together.
    queueMicrotask(() => {
      this.#reviewing = false;
      let reworded = 0;
      for (const base of this.bases()) {
        const key = keyOf(base);
        const last = this.#lastPasses.get(key);
        if (!last) continue;
        if (base.metadata.deletionTimestamp ? last.next === 'waiting' : this.#isConcerned(base, last))
          this.#requeue(key);
        else if (this.#waitsForAnotherReason(base, last)) this.#reword(key, reworded++);
      }
    });
  }

  /** Whether another choice would be made for a resource now than at a pass over it. */
  #isConcerned(base: Resource, { chosen, revision }: LastPass): boolean {
    if (base.metadata.deletionTimestamp || this.#release?.includes(base)) return false;
    if (revision === this.#context.registry.revision) return false;
    return !isSameChoice(chosen, this.explain(base).selection.chosen);
  }

  async #work(key: ResourceKey): Promise<void> {
    const { resources, log } = this.#context;
    let result: ReconcilePassResult;
    try {
      result = await reconcilePass(this.#context, key, this.#backOff.failures(key) + 1);
    } catch (error) {
      if (error instanceof KplugError && (error.code === 'Stopped' || error.code === 'LeadershipLost')) return;
      log.error({ err: error, resource: key }, `the pass failed: ${messageOf(error)}; it is tried again`);
      const { chosen = [], revision = 0 } = this.#lastPasses.get(key) ?? {};
      result = { next: 'retry', chosen, revision };
    }
    this.#observer.passed(this.settings.name, result.next);
    const base = resources.get(key);
    if (!base) return;
    if (result.next === 'done') this.#letGo(key);
    if (result.next === 'done' && !this.concerns(base)) return this.#forget(key);
    this.#lastPasses.set(key, result);
    this.#schedule(key, result);
    // A plugin may have come or gone when the choice had been made already.
    if (this.#isConcerned(base, result)) this.#queue.add(key);
    else if (this.#waitsForAnotherReason(base, result)) this.#reword(key, 0);
  }

  /** Whether there is still nothing to choose for a resource, but its status would say another reason. */
  #waitsForAnotherReason(base: Resource, { whyNone }: LastPass): boolean {
    return whyNone !== undefined && !base.metadata.deletionTimestamp && whyNone !== this.explain(base).message;
  }

  /** Has a status say the present reason. Plugins that come and go may change those of many, so that they are spread. */
  #reword(key: ResourceKey, place: number): void {
    const delay = rewordDelay + place * rewordStep;
    if ((this.#queue.dueAt(key) ?? Number.POSITIVE_INFINITY) > Date.now() + delay) this.#queue.addAfter(key, delay);
  }

  #schedule(key: ResourceKey, { next, after }: PassResult): void {
    switch (next) {
      case 'retry': {
        const delay = this.#backOff.fail(key);
        this.#queue.addAfter(key, after ?? delay);
        return;
      }
      case 'stale':
        this.#queue.add(key);
        return;
      case 'settled':
      case 'waiting':
        this.#backOff.reset(key);
        this.#queue.addAfter(key, after ?? this.#resync());
        return;
      case 'done':
    }
  }

  /** Spread by a tenth, so that resources that came together don't stay together, in as many steps as timers are cheap in. */
  #resync(): number {
    const step = Math.round(Math.random() * 100) / 100;
    return this.settings.resync * (0.9 + step / 5);
  }
}
