import type { Instance } from './instance.ts';

/** Set of instances as an array, with additions and removals in constant time. Its order is arbitrary. */
export class Members {
  readonly #instances: Instance[] = [];
  readonly #places = new Map<Instance, number>();
  /** Number of instances by weight. */
  readonly #weights = new Map<number, number>();

  /** Instances now. The array changes with the set. */
  get list(): readonly Instance[] {
    return this.#instances;
  }

  /** Greatest weight of the instances; 0 without any. */
  get weight(): number {
    let greatest = 0;
    for (const weight of this.#weights.keys()) greatest = Math.max(greatest, weight);
    return greatest;
  }

  has(instance: Instance): boolean {
    return this.#places.has(instance);
  }

  add(instance: Instance): void {
    if (this.#places.has(instance)) return;
    const { weight } = instance.registration;
    this.#places.set(instance, this.#instances.length);
    this.#instances.push(instance);
    this.#weights.set(weight, (this.#weights.get(weight) ?? 0) + 1);
  }

  /** Removes an instance, whose registration must be the one with which it was added. Reports whether it was in the set. */
  delete(instance: Instance): boolean {
    const place = this.#places.get(instance);
    if (place === undefined) return false;
    this.#places.delete(instance);
    const last = this.#instances.pop();
    if (last && last !== instance) {
      this.#instances[place] = last;
      this.#places.set(last, place);
    }
    const { weight } = instance.registration;
    const left = (this.#weights.get(weight) ?? 0) - 1;
    if (left > 0) this.#weights.set(weight, left);
    else this.#weights.delete(weight);
    return true;
  }
}
