import { limits } from '../limits/limits.ts';
import type { Instance } from '../registry/instance.ts';

const { hangingThreshold, hangingTime } = limits.calls;

/** Instances whose last calls timed out. They get no calls for a time while others of their plugin may answer. */
export class HangingInstances {
  readonly #timeouts = new WeakMap<Instance, { count: number; endsAt: number }>();

  /** Records a call that timed out. */
  timedOut(instance: Instance): void {
    const count = this.#count(instance) + 1;
    this.#timeouts.set(instance, { count, endsAt: performance.now() + hangingTime });
  }

  /** Records an answer. */
  answered(instance: Instance): void {
    this.#timeouts.delete(instance);
  }

  /** Returns the instances that don't hang, or all if all do. */
  avoid(instances: readonly Instance[]): readonly Instance[] {
    const sound = instances.filter((instance) => this.#count(instance) < hangingThreshold);
    return sound.length > 0 ? sound : instances;
  }

  #count(instance: Instance): number {
    const timeouts = this.#timeouts.get(instance);
    return timeouts && timeouts.endsAt > performance.now() ? timeouts.count : 0;
  }
}
