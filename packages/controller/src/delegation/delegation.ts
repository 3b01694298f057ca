import type { Logger } from 'pino';
import { KplugError, messageOf } from '../errors.ts';
import type { RecentEvents } from '../observe/events.ts';
import type { DelegationObserver } from '../observe/observer.ts';
import type { PluginCaller } from '../plugins/caller.ts';
import { BackOff } from '../queue/back-off.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import type { ResourceChange, Resources } from '../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import { type Choice, choose } from './choose.ts';
import type { DelegationSettings } from './declaration.ts';
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

/** What is remembered of the last pass over a resource. */
type LastPass = Pick<ReconcilePassResult, 'chosen' | 'next' | 'revision'>;

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
  #unsubscribe: () => void = () => undefined;
  #reviewing = false;

  constructor(settings: DelegationSettings, { events, observer, log, ...dependencies }: DelegationDependencies) {
    this.settings = settings;
    this.#events = events;
    this.#observer = observer;
    this.#extensions = new ExtensionFollower(settings, dependencies.resources, (base, overwritten) => {
      if (overwritten) this.#repair(base);
      else this.#requeue(base);
    });
    this.#context = {
      ...dependencies,
      settings,
      events,
      extensions: this.#extensions,
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

  /** Starts to reconcile: what is there, and then what changes. Fulfilled when all that is there has been queued. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#context.registry.subscribe((change) => this.#onPluginChange(change));
    await this.#context.resources.follow(this.settings.base, (change) => this.#onResourceChange(change));
  }

  /** Stops taking work, and is fulfilled when what is under way has ended. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#queue.close();
  }

  /** Fulfilled when no resource waits for a pass or is in one. Those that will be looked at again later don't count. */
  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  /** The base resources known now. */
  bases(): Iterable<Resource> {
    return this.#context.resources.list(this.settings.base);
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
    if (change.gone) this.#forget(keyOf(change.resource));
    else if (isSubstantial(change)) this.#requeue(keyOf(change.resource));
    else if (isTamperedWith(change, this.settings.finalizer)) this.#repair(keyOf(change.resource));
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
      for (const base of this.bases()) {
        const key = keyOf(base);
        const last = this.#lastPasses.get(key);
        if (!last) continue;
        if (base.metadata.deletionTimestamp ? last.next === 'waiting' : this.#isConcerned(base, last))
          this.#requeue(key);
      }
    });
  }

  /** Whether another choice would be made for a resource now than at a pass over it. */
  #isConcerned(base: Resource, { chosen, revision }: LastPass): boolean {
    if (base.metadata.deletionTimestamp || revision === this.#context.registry.revision) return false;
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
    this.#lastPasses.set(key, result);
    this.#schedule(key, result);
    // A plugin may have come or gone when the choice had been made already.
    if (this.#isConcerned(base, result)) this.#queue.add(key);
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
