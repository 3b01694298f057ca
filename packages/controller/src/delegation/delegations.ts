import type { VersionedName } from '../names.ts';
import { isSameKind } from '../resources/resource.ts';
import { Delegation } from './delegation.ts';
import type { DelegationDependencies } from './delegation-parts.ts';
import type { DelegationSettings } from './delegation-settings.ts';

type PassListener = NonNullable<DelegationDependencies['onPass']>;

/** Delegations of a controller, by name. They can be added, changed and removed while it runs. */
export class Delegations implements Iterable<Delegation> {
  readonly #dependencies: DelegationDependencies;
  readonly #running = new Map<string, Delegation>();
  readonly #listeners = new Set<(delegation: string) => void>();
  readonly #changeListeners = new Set<() => void>();
  readonly #passListeners = new Set<PassListener>();

  constructor(dependencies: DelegationDependencies) {
    const onWriteProblem = (delegation: string) => {
      for (const listener of this.#listeners) listener(delegation);
    };
    const onPass: PassListener = (...pass) => {
      for (const listener of this.#passListeners) listener(...pass);
    };
    this.#dependencies = { ...dependencies, onPass, onWriteProblem };
  }

  /** Calls `listener`, which must not throw, when a delegation's write problem begins or ends. Returns a function that unsubscribes. */
  onWriteProblem(listener: (delegation: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener`, which must not throw, when a delegation was added, replaced or removed. Returns a function that unsubscribes. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Calls `listener`, which must not throw, after each pass for which an attached plugin was chosen. Returns a function that unsubscribes. */
  onPass(listener: PassListener): () => void {
    this.#passListeners.add(listener);
    return () => this.#passListeners.delete(listener);
  }

  [Symbol.iterator](): Iterator<Delegation> {
    return this.#running.values();
  }

  get(name: string): Delegation | undefined {
    return this.#running.get(name);
  }

  /** Adds a delegation without starting it. */
  add(settings: DelegationSettings): void {
    this.#running.set(settings.name, new Delegation(settings, this.#dependencies));
  }

  /**
   * Starts a delegation, and replaces the one with the same name. Resources that only the former one reconciles are released
   * first. Fulfilled when all existing resources have been queued. Rejects with the reason of the signal if it is aborted before
   * the release has ended; the former delegation then continues.
   */
  async put(settings: DelegationSettings, signal?: AbortSignal): Promise<void> {
    const former = this.#running.get(settings.name);
    const next = new Delegation(settings, this.#dependencies, former?.holders);
    if (former) {
      const isOfKind = isSameKind(former.settings.base, settings.base);
      await former.release((base) => !isOfKind || !next.concerns(base), signal);
      await former.stop();
    }
    this.#running.set(settings.name, next);
    this.#notifyChange();
    await next.start();
  }

  /** Releases the resources of a delegation and stops it. Rejects as `put` does. An unknown name is ignored. */
  async remove(name: string, signal?: AbortSignal): Promise<void> {
    const delegation = this.#running.get(name);
    if (!delegation) return;
    await delegation.release(() => true, signal);
    await delegation.stop();
    this.#running.delete(name);
    this.#notifyChange();
  }

  /** Queues all resources for a call. */
  reconcileAll(): void {
    for (const delegation of this) delegation.reconcileAll();
  }

  /** Queues the resources that a version of a plugin reconciled last or reconciles now, as its code has changed. */
  reconcileAgain(plugin: VersionedName): void {
    for (const delegation of this) delegation.reconcileAgain(plugin);
  }

  /** Starts all delegations that were added. */
  async start(): Promise<void> {
    await Promise.all([...this].map((delegation) => delegation.start()));
  }

  async stop(): Promise<void> {
    await Promise.all([...this].map((delegation) => delegation.stop()));
  }

  async whenIdle(): Promise<void> {
    await Promise.all([...this].map((delegation) => delegation.whenIdle()));
  }

  #notifyChange(): void {
    for (const listener of this.#changeListeners) listener();
  }
}
