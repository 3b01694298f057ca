// delegation-resources/: delegations declared as resources.

import type { Logger } from 'pino';
import { isSubstantial, needsRepair } from '../delegation/classify-change.ts';
import { type DelegationDefaults, type DelegationSettings, overlap } from '../delegation/delegation-settings.ts';
import type { Delegations } from '../delegation/delegations.ts';
import { KplugError, messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceChange, Resources } from '../resources/port.ts';
import { keyOf, parseKey, type Resource, type ResourceKey } from '../resources/resource.ts';
import { delegationKind, judge, operatorLabel, type Refusal } from './delegation-resource.ts';
import { composeDelegationStatus, composeReleasingStatus } from './delegation-status.ts';
import { RightsReview } from './rights-review.ts';
import { Transitions } from './transitions.ts';

const fieldManager = 'kplug/delegations';
const finalizer = 'kplug.dev/delegation';

const done: WorkOutcome = { next: 'done' };

const { concurrency, maxBackOff, settleTime } = limits.delegationResources;

/** Dependencies and options of `DelegationResources`. */
export interface DelegationResourcesOptions {
  resources: Resources;
  registry: Registry;
  /** Running delegations. Those that exist at the start are declared in code, and are left alone. */
  delegations: Delegations;
  /** Name of this operator among several; empty for the one without a name. */
  operator: string;
  defaults: DelegationDefaults;
  log: Logger;
}

/**
 * Runs delegations as users declare them by `Delegation` resources, and writes the statuses of these. A deleted one is removed
 * once its resources have been released.
 */
export class DelegationResources {
  readonly #resources: Resources;
  readonly #registry: Registry;
  readonly #delegations: Delegations;
  readonly #operator: string;
  readonly #defaults: DelegationDefaults;
  readonly #log: Logger;
  /** Settings of the delegations that are declared in code. */
  readonly #declaredInCode: readonly DelegationSettings[];
  readonly #rights: RightsReview;
  readonly #queue: WorkQueue<ResourceKey>;
  readonly #transitions: Transitions;
  readonly #stopping = new AbortController();
  #unsubscribe: () => void = () => undefined;
  #isRefreshDue = false;

  constructor({ resources, registry, delegations, operator, defaults, log }: DelegationResourcesOptions) {
    this.#resources = resources;
    this.#registry = registry;
    this.#delegations = delegations;
    this.#operator = operator;
    this.#defaults = defaults;
    this.#log = log;
    this.#declaredInCode = [...delegations].map(({ settings }) => settings);
    this.#rights = new RightsReview(resources.services?.access);
    this.#queue = new WorkQueue({ concurrency, backOff: { max: maxBackOff }, work: (key) => this.#work(key) });
    // Other delegations may be waiting for the resources that one has released.
    this.#transitions = new Transitions(() => this.#addAll());
  }

  /** Starts the declared delegations. Fulfilled when all their resources have been queued. */
  async start(): Promise<void> {
    const unsubscribes = [
      this.#registry.subscribe(() => this.#refreshAllSoon()),
      this.#delegations.onWriteProblem((name) => {
        const resources = [...this.#resources.list(delegationKind)];
        for (const one of resources) if (one.metadata.name === name) this.#refresh(keyOf(one));
      }),
    ];
    this.#unsubscribe = () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
    const { signal } = this.#stopping;
    await this.#resources.follow(delegationKind, (change) => this.#onChange(change), { signal });
    await this.#queue.whenIdle();
    await this.#transitions.whenIdle();
  }

  /** Stops following declarations. Running delegations continue. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort();
    await this.#queue.close();
    await this.#transitions.stop();
  }

  #onChange(change: ResourceChange): void {
    const key = keyOf(change.resource);
    if (isSubstantial(change)) {
      this.#queue.reset(key);
      this.#queue.add(key);
      // A declaration may be refused because of another one.
      this.#addAll();
    } else if (needsRepair(change, finalizer)) {
      this.#refresh(key);
    }
  }

  #addAll(): void {
    for (const resource of this.#resources.list(delegationKind)) this.#queue.add(keyOf(resource));
  }

  /** Schedules a refresh of all statuses. Plugins often come and go together. */
  #refreshAllSoon(): void {
    if (this.#isRefreshDue) return;
    this.#isRefreshDue = true;
    setImmediate(() => {
      this.#isRefreshDue = false;
      for (const resource of this.#resources.list(delegationKind)) this.#refresh(keyOf(resource));
    });
  }

  #refresh(key: ResourceKey): void {
    this.#queue.addWithin(key, settleTime);
  }

  async #work(key: ResourceKey): Promise<WorkOutcome> {
    try {
      return await this.#reconcile(key);
    } catch (error) {
      if (error instanceof KplugError && (error.code === 'Stopped' || error.code === 'LeadershipLost')) return done;
      this.#log.error({ err: error, resource: key }, `${messageOf(error)}; retrying`);
      return { next: 'retry' };
    }
  }

  async #reconcile(key: ResourceKey): Promise<WorkOutcome> {
    const resource = this.#resources.get(key);
    if (!resource) {
      const { name } = parseKey(key);
      if (this.#end(name)) this.#transitions.forget(name);
      return done;
    }
    if (!this.#isOurs(resource)) return this.#handOver(key, resource);
    if (resource.metadata.deletionTimestamp) return this.#finalize(key, resource);
    return this.#apply(key, resource);
  }

  /** Runs a delegation as declared, if it is accepted, and writes the status. */
  async #apply(key: ResourceKey, resource: Resource): Promise<WorkOutcome> {
    const { name, uid } = resource.metadata;
    const { settings, refusal } = judge(this.#declared(), this.#declaredInCode, this.#defaults).get(key) ?? {};
    if (settings) {
      await this.#resources.addFinalizer(key, finalizer, { uid, fieldManager });
      return this.#report(key, resource, this.#run(key, resource, settings));
    }
    // A delegation continues as before while its declaration is malformed.
    if (refusal && refusal.reason !== 'Malformed') this.#end(name);
    return this.#report(key, resource, refusal);
  }

  /** Starts to run a delegation as declared. Returns the refusal, if any. */
  #run(key: ResourceKey, { metadata }: Resource, settings: DelegationSettings): Refusal | undefined {
    const { name, uid, generation } = metadata;
    const rival = [...this.#delegations].find((other) => {
      return other.settings.name !== name && overlap(other.settings, settings);
    });
    if (rival) {
      const message = `the delegation "${rival.settings.name}" has yet to release ${rival.unreleased} resources`;
      return { reason: 'KindTaken', message };
    }
    this.#transitions.start(name, `${uid}/${generation}`, async (signal) => {
      await this.#delegations.put(settings, signal);
      const refresh = () => this.#refresh(key);
      await this.#resources.follow(settings.base, refresh, { onProblem: refresh, signal });
    });
    return undefined;
  }

  /** Starts to end a delegation that is no longer declared. Returns whether it has ended. */
  #end(name: string): boolean {
    if (this.#isDeclaredInCode(name)) return true;
    return this.#transitions.start(name, 'ended', (signal) => this.#delegations.remove(name, signal));
  }

  /** Removes the finalizer of a `Delegation` resource once its delegation has ended. */
  async #finalize(key: ResourceKey, resource: Resource): Promise<WorkOutcome> {
    const { name, uid } = resource.metadata;
    const options = { uid, fieldManager };
    if (this.#end(name)) {
      await this.#resources.removeFinalizer(key, finalizer, options);
      return done;
    }
    const remaining = this.#delegations.get(name)?.unreleased ?? 0;
    await this.#resources.applyStatus(key, composeReleasingStatus(resource, remaining), options);
    return { next: 'again', after: settleTime };
  }

  /** Hands over a `Delegation` resource that was this operator's to another one. */
  async #handOver(key: ResourceKey, { metadata: { name, uid } }: Resource): Promise<WorkOutcome> {
    if (!this.#transitions.has(name) || !this.#end(name)) return done;
    await this.#resources.removeFinalizer(key, finalizer, { uid, fieldManager });
    this.#transitions.forget(name);
    return done;
  }

  async #report(key: ResourceKey, resource: Resource, refusal: Refusal | undefined): Promise<WorkOutcome> {
    const { name, uid } = resource.metadata;
    const running = this.#isDeclaredInCode(name) ? undefined : this.#delegations.get(name);
    const review = running && (await this.#rights.of(running.settings));
    const status = composeDelegationStatus(this.#resources.get(key) ?? resource, {
      refusal,
      running,
      problem: running && this.#resources.problem(running.settings.base),
      missingRights: review?.missing,
      registry: this.#registry,
    });
    await this.#resources.applyStatus(key, status, { uid, fieldManager });
    return review ? { next: 'again', after: review.validFor } : done;
  }

  /** Returns the declarations that aren't being deleted. */
  #declared(): Resource[] {
    return [...this.#resources.list(delegationKind)].filter((resource) => {
      return this.#isOurs(resource) && !resource.metadata.deletionTimestamp;
    });
  }

  #isOurs({ metadata: { labels = {} } }: Resource): boolean {
    return (labels[operatorLabel] ?? '') === this.#operator;
  }

  #isDeclaredInCode(name: string): boolean {
    return this.#declaredInCode.some((settings) => settings.name === name);
  }
}
