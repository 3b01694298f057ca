import { type DelegationSettings, isOfSameKind } from './declaration.ts';
import { Delegation, type DelegationDependencies } from './delegation.ts';

/** The delegations of a controller, by name. They come, change and go while it runs. */
export class Delegations implements Iterable<Delegation> {
  readonly #dependencies: DelegationDependencies;
  readonly #running = new Map<string, Delegation>();

  constructor(dependencies: DelegationDependencies) {
    this.#dependencies = dependencies;
  }

  [Symbol.iterator](): Iterator<Delegation> {
    return this.#running.values();
  }

  get(name: string): Delegation | undefined {
    return this.#running.get(name);
  }

  /** Adds a delegation, which `start` starts. */
  add(settings: DelegationSettings): void {
    this.#running.set(settings.name, new Delegation(settings, this.#dependencies));
  }

  /**
   * Starts a delegation, in place of the one with its name. Resources that the former one reconciled and the new one doesn't are
   * let go first. Fulfilled when all that is there has been queued. Rejects with the reason of the signal when that comes before
   * they have been let go, and then the former one goes on.
   */
  async put(settings: DelegationSettings, signal?: AbortSignal): Promise<void> {
    const former = this.#running.get(settings.name);
    const next = new Delegation(settings, this.#dependencies);
    if (former) {
      const isSameKind = isOfSameKind(former.settings, settings);
      await former.release((base) => !isSameKind || !next.concerns(base), signal);
      await former.stop();
    }
    this.#running.set(settings.name, next);
    await next.start();
  }

  /** Ends a delegation, and lets its resources go first, as `put` does. An unknown one is no error. */
  async remove(name: string, signal?: AbortSignal): Promise<void> {
    const delegation = this.#running.get(name);
    if (!delegation) return;
    await delegation.release(() => true, signal);
    await delegation.stop();
    this.#running.delete(name);
  }

  /** Starts all that were added. */
  async start(): Promise<void> {
    await Promise.all([...this].map((delegation) => delegation.start()));
  }

  async stop(): Promise<void> {
    await Promise.all([...this].map((delegation) => delegation.stop()));
  }

  async whenIdle(): Promise<void> {
    await Promise.all([...this].map((delegation) => delegation.whenIdle()));
  }
}
