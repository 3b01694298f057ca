import type { Logger } from 'pino';
import { findCondition } from '../../resources/conditions.ts';
import type { ResourceChange, Resources } from '../../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { ChoiceMonitor } from '../choices/choice-monitor.ts';
import { isSubstantial, needsRepair } from '../classify-change.ts';
import { isPaused } from '../control-annotations.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { holdersOf, isReady } from '../passes/status.ts';
import type { PassRequests } from '../requests/pass-requests.ts';
import { BaseIndex } from '../states/base-index.ts';
import { stateOf } from '../states/base-state.ts';
import type { WriteFailure } from '../writes/write-failure.ts';
import { AssignedPlugins } from './assigned-plugins.ts';
import type { Bases } from './bases.ts';

/** Dependencies of a base follower. */
export interface BaseFollowerOptions {
  settings: DelegationSettings;
  resources: Resources;
  bases: Bases;
  requests: PassRequests;
  monitor: ChoiceMonitor;
  /** Forgets a resource that is gone. */
  forget: (key: ResourceKey) => void;
  /** Returns the failed write that prevents a resource from being reconciled, if any. */
  writeFailureOf: (key: ResourceKey) => WriteFailure | undefined;
  log: Logger;
}

/** Follows the base resources of a delegation, and requests passes over those that change. */
export class BaseFollower {
  readonly #options: BaseFollowerOptions;
  readonly #index: BaseIndex;
  /** Plugins that the resources are assigned to. */
  readonly assigned = new AssignedPlugins();
  readonly #stopping = new AbortController();
  #isStarted = false;

  constructor(options: BaseFollowerOptions) {
    this.#options = options;
    this.#index = new BaseIndex(options.settings.name);
  }

  /** Base resources by state. */
  get index(): Omit<BaseIndex, 'set' | 'delete'> {
    return this.#index;
  }

  /** Starts to follow. Fulfilled when passes over all existing resources have been requested. */
  async start(): Promise<void> {
    const { settings, resources } = this.#options;
    const { signal } = this.#stopping;
    await resources.follow(settings.base, (change) => this.#onChange(change), { signal });
    this.#isStarted = true;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Takes in that a write for a resource failed, or no longer does. */
  writeFailureChanged(key: ResourceKey): void {
    const base = this.#options.bases.get(key);
    if (base && this.#index.get(key)) this.#indexBase(base);
  }

  #indexBase(base: Resource): void {
    const key = keyOf(base);
    const state = stateOf(base, { writeFailure: this.#options.writeFailureOf(key) });
    this.#index.set(key, state, { isReady: isReady(base), isPaused: isPaused(base) });
  }

  #onChange(change: ResourceChange): void {
    const { settings, bases, requests, monitor, forget, log } = this.#options;
    const { resource, gone } = change;
    if (!bases.concerns(resource) && !this.#wasDelegated(change)) return;
    const key = keyOf(resource);
    if (!gone) monitor.update(resource);
    const isIncluded = !gone && bases.concerns(resource);
    const holders = isIncluded ? holdersOf(resource) : [];
    this.assigned.set(
      key,
      holders.map(({ plugin }) => plugin),
    );
    if (isIncluded) this.#indexBase(resource);
    else this.#index.delete(key);
    if (gone) {
      log.info({ resource: key }, 'deleted');
      forget(key);
    } else if (isSubstantial(change)) requests.request(key, { urgent: this.#isStarted });
    else if (needsRepair(change, settings.finalizer)) requests.repair(key);
  }

  /** Reports whether a resource was delegated until now, or when the controller stopped last. */
  #wasDelegated({ resource, previous }: ResourceChange): boolean {
    const { settings, bases } = this.#options;
    const { finalizers = [] } = resource.metadata;
    if (finalizers.includes(settings.finalizer)) return true;
    // The status may be that of another delegation of the same kind; its release then changes nothing.
    return previous ? bases.concerns(previous) : findCondition(resource.status, 'PluginSelected') !== undefined;
  }
}
