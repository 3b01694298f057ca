import type { Logger } from 'pino';
import { isSubstantial, needsRepair } from '../delegation/classify-change.ts';
import { type DelegationDefaults, type DelegationSettings, overlap } from '../delegation/declaration.ts';
import type { Delegations } from '../delegation/delegations.ts';
import { KplugError, messageOf } from '../errors.ts';
import { BackOff } from '../queue/back-off.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceChange, Resources } from '../resources/port.ts';
import { keyOf, parseKey, type Resource, type ResourceKey } from '../resources/resource.ts';
import { delegationKind, judge, operatorLabel, type Refusal } from './delegation-resource.ts';
import { composeDelegationStatus, composeReleasingStatus } from './delegation-status.ts';
import { RightsReview } from './rights-review.ts';
import { Transitions } from './transitions.ts';

const fieldManager = 'kplug/delegations';
const finalizer = 'kplug.dev/delegation';

/** How long changes of plugins and resources are gathered before a status tells of them, in milliseconds. */
const settleTime = 1_000;

/** What `DelegationResources` works with. */
export interface DelegationResourcesOptions {
  resources: Resources;
  registry: Registry;
  /** Those that run already are declared otherwise, and stay as they are. */
  delegations: Delegations;
  /** Which operator this is, of several. Empty for the one without a name. */
  operator: string;
  defaults: DelegationDefaults;
  log: Logger;
}

/**
 * Keeps the delegations that run as users declare them by `Delegation` resources, and says in their statuses how they fare. One
 * that is deleted goes once its resources have been let go.
 */
export class DelegationResources {
  readonly #resources: Resources;
  readonly #registry: Registry;
  readonly #delegations: Delegations;
  readonly #operator: string;
  readonly #defaults: DelegationDefaults;
  readonly #log: Logger;
  /** The settings of those that are declared otherwise. */
  readonly #elsewhere: readonly DelegationSettings[];
  readonly #rights: RightsReview;
  readonly #queue: WorkQueue<ResourceKey>;
  readonly #backOff = new BackOff<ResourceKey>({ initial: 200, max: 60_000 });
  readonly #transitions: Transitions;
  readonly #stopping = new AbortController();
  #unsubscribe: () => void = () => undefined;

  constructor({ resources, registry, delegations, operator, defaults, log }: DelegationResourcesOptions) {
    this.#resources = resources;
    this.#registry = registry;
    this.#delegations = delegations;
    this.#operator = operator;
    this.#defaults = defaults;
    this.#log = log;
    this.#elsewhere = [...delegations].map(({ settings }) => settings);
    this.#rights = new RightsReview(resources.services?.access);
    this.#queue = new WorkQueue({ concurrency: 16, work: (key) => this.#work(key) });
    // What one lets go another may be waiting for.
    this.#transitions = new Transitions(() => this.#addAll());
  }

  /** Starts what is declared. Fulfilled when the resources of all of it have been queued. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#registry.subscribe(() => this.#refreshAll());
    const { signal } = this.#stopping;
    await this.#resources.follow(delegationKind, (change) => this.#onChange(change), { signal });
    await this.#queue.whenIdle();
    await this.#transitions.whenIdle();
  }

  /** Follows no more declarations. What runs goes on. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort();
    await this.#queue.close();
    await this.#transitions.stop();
  }

  #onChange(change: ResourceChange): void {
    const key = keyOf(change.resource);
    if (isSubstantial(change)) {
      this.#backOff.reset(key);
      this.#queue.add(key);
      // What one declares decides what others may.
      this.#addAll();
    } else if (needsRepair(change, finalizer)) {
      this.#refresh(key);
    }
  }

  #addAll(): void {
    for (const resource of this.#resources.list(delegationKind)) this.#queue.add(keyOf(resource));
  }

  #refreshAll(): void {
    for (const resource of this.#resources.list(delegationKind)) this.#refresh(keyOf(resource));
  }

  #refresh(key: ResourceKey): void {
    const dueAt = this.#queue.dueAt(key) ?? Number.POSITIVE_INFINITY;
    if (dueAt > Date.now() + settleTime) this.#queue.addAfter(key, settleTime);
  }

  async #work(key: ResourceKey): Promise<void> {
    try {
      await this.#reconcile(key);
      this.#backOff.reset(key);
    } catch (error) {
      if (error instanceof KplugError && (error.code === 'Stopped' || error.code === 'LeadershipLost')) return;
      this.#log.error({ err: error, resource: key }, `${messageOf(error)}; it is tried again`);
      this.#queue.addAfter(key, this.#backOff.fail(key));
    }
  }

  async #reconcile(key: ResourceKey): Promise<void> {
    const resource = this.#resources.get(key);
    if (!resource) {
      const { name } = parseKey(key);
      if (this.#end(name)) this.#transitions.forget(name);
      return;
    }
    if (!this.#isOurs(resource)) await this.#handOver(key, resource);
    else if (resource.metadata.deletionTimestamp) await this.#finalize(key, resource);
    else await this.#keep(key, resource);
  }

  /** Has a delegation run as it is declared, if it holds. */
  async #keep(key: ResourceKey, resource: Resource): Promise<void> {
    const { name, uid } = resource.metadata;
    const { settings, refusal } = judge(this.#declared(), this.#elsewhere, this.#defaults).get(key) ?? {};
    if (settings) {
      await this.#resources.addFinalizer(key, finalizer, { uid, fieldManager });
      await this.#report(key, resource, this.#run(key, resource, settings));
      return;
    }
    // One that can't be read any more goes on as it was.
    if (refusal && refusal.reason !== 'Malformed') this.#end(name);
    await this.#report(key, resource, refusal);
  }

  /** Begins to run a delegation as declared. Returns what stands in the way. */
  #run(key: ResourceKey, { metadata }: Resource, settings: DelegationSettings): Refusal | undefined {
    const { name, uid, generation } = metadata;
    const rival = [...this.#delegations].find((other) => {
      return other.settings.name !== name && overlap(other.settings, settings);
    });
    if (rival) {
      const message = `the delegation "${rival.settings.name}" has yet to let go of ${rival.unreleased} resources`;
      return { reason: 'KindTaken', message };
    }
    this.#transitions.aim(name, `${uid}/${generation}`, async (signal) => {
      await this.#delegations.put(settings, signal);
      const refresh = () => this.#refresh(key);
      await this.#resources.follow(settings.base, refresh, { onProblem: refresh, signal });
    });
    return undefined;
  }

  /** Begins to end a delegation that is declared no more. Returns whether it has ended. */
  #end(name: string): boolean {
    if (this.#isElsewhere(name)) return true;
    return this.#transitions.aim(name, 'ended', (signal) => this.#delegations.remove(name, signal));
  }

  /** Lets a `Delegation` resource go once its delegation has ended. */
  async #finalize(key: ResourceKey, resource: Resource): Promise<void> {
    const { name, uid } = resource.metadata;
    const options = { uid, fieldManager };
    if (this.#end(name)) {
      await this.#resources.removeFinalizer(key, finalizer, options);
      return;
    }
    const left = this.#delegations.get(name)?.unreleased ?? 0;
    await this.#resources.applyStatus(key, composeReleasingStatus(resource, left), options);
    this.#queue.addAfter(key, settleTime);
  }

  /** Lets another operator have a `Delegation` resource that was this one's. */
  async #handOver(key: ResourceKey, { metadata: { name, uid } }: Resource): Promise<void> {
    if (!this.#transitions.has(name) || !this.#end(name)) return;
    await this.#resources.removeFinalizer(key, finalizer, { uid, fieldManager });
    this.#transitions.forget(name);
  }

  async #report(key: ResourceKey, resource: Resource, refusal: Refusal | undefined): Promise<void> {
    const { name, uid } = resource.metadata;
    const running = this.#isElsewhere(name) ? undefined : this.#delegations.get(name);
    const review = running && (await this.#rights.of(running.settings));
    const status = composeDelegationStatus(this.#resources.get(key) ?? resource, {
      refusal,
      running,
      problem: running && this.#resources.problem(running.settings.base),
      missingRights: review?.missing,
      registry: this.#registry,
    });
    await this.#resources.applyStatus(key, status, { uid, fieldManager });
    if (review) this.#queue.addAfter(key, review.validFor);
  }

  /** The declarations that aren't being deleted. */
  #declared(): Resource[] {
    return [...this.#resources.list(delegationKind)].filter((resource) => {
      return this.#isOurs(resource) && !resource.metadata.deletionTimestamp;
    });
  }

  #isOurs({ metadata: { labels = {} } }: Resource): boolean {
    return (labels[operatorLabel] ?? '') === this.#operator;
  }

  #isElsewhere(name: string): boolean {
    return this.#elsewhere.some((settings) => settings.name === name);
  }
}
