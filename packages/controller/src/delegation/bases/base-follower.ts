import type { Logger } from 'pino';
import { findCondition } from '../../resources/conditions.ts';
import type { ResourceChange, Resources } from '../../resources/port.ts';
import { keyOf, type ResourceKey } from '../../resources/resource.ts';
import type { ChoiceMonitor } from '../choices/choice-monitor.ts';
import { isSubstantial, needsRepair } from '../classify-change.ts';
import { isPaused } from '../control-annotations.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { holdersOf, isReady } from '../passes/status.ts';
import type { PassRequests } from '../requests/pass-requests.ts';
import { AssignedPlugins } from './assigned-plugins.ts';
import { BaseCounts } from './base-counts.ts';
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
  log: Logger;
}

/** Follows the base resources of a delegation, and requests passes over those that change. */
export class BaseFollower {
  readonly #options: BaseFollowerOptions;
  readonly #counts = new BaseCounts();
  /** Plugins that the resources are assigned to. */
  readonly assigned = new AssignedPlugins();
  readonly #stopping = new AbortController();
  #isStarted = false;

  constructor(options: BaseFollowerOptions) {
    this.#options = options;
  }

  /** Numbers of base resources. */
  get counts(): Pick<BaseCounts, 'total' | 'ready' | 'paused'> {
    return this.#counts;
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
    if (!gone && bases.concerns(resource)) {
      this.#counts.set(key, { isReady: isReady(resource), isPaused: isPaused(resource) });
    } else this.#counts.delete(key);
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
