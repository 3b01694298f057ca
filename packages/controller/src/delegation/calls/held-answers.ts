import { limits } from '../../limits/limits.ts';
import type { ResourceKey } from '../../resources/resource.ts';

/** Largest number of resources whose answers hold. The oldest answers are dropped. */
const { maxHeldAnswers } = limits.delegation;

/** Validity of the answers of a pass. Times in milliseconds by `performance.now()`. */
export interface Validity {
  /** Hashes of the input of the calls, in their order. */
  inputs: readonly string[];
  /** Time until which the answers hold. */
  until: number;
  /** Time of the call that the plugins requested, if they did. It ends the validity. */
  requeueAt: number | undefined;
}

/** Validity of the last answers for one resource. The answers themselves are in its status. */
export class HeldAnswer {
  readonly #onHeld: () => void;
  #validity: Validity | undefined;
  #isRevoked = false;

  /** @param onHeld called when an answer is held. */
  constructor(onHeld: () => void) {
    this.#onHeld = onHeld;
  }

  /** True if an answer is held, even if it has expired. */
  get isUsed(): boolean {
    return this.#validity !== undefined;
  }

  /** Holds the answers of a pass, unless they were revoked during it. */
  hold(validity: Validity): void {
    if (this.#isRevoked) return;
    this.#validity = validity;
    this.#onHeld();
  }

  /** Returns the validity if the answers still hold for an input. @param inputsOf hashes the input. It is called only if that matters. */
  find(inputsOf: () => readonly string[]): Validity | undefined {
    const validity = this.#validity;
    if (!validity || performance.now() >= endOf(validity)) return undefined;
    const inputs = inputsOf();
    const isSame =
      inputs.length === validity.inputs.length && inputs.every((input, index) => input === validity.inputs[index]);
    return isSame ? validity : undefined;
  }

  /** Ends the validity, for example because a call starts. The next answer may be held. */
  end(): void {
    this.#validity = undefined;
  }

  /** Ends the validity, also of the answers of a pass in progress. */
  revoke(): void {
    this.#isRevoked = true;
    this.#validity = undefined;
  }
}

/** Validities of the answers for the resources of one delegation. */
export class HeldAnswers {
  readonly #byKey = new Map<ResourceKey, HeldAnswer>();
  readonly #used = new Set<ResourceKey>();

  /** Returns the held answer of a resource for a pass. */
  of(key: ResourceKey): HeldAnswer {
    const known = this.#byKey.get(key);
    if (known) return known;
    const created = new HeldAnswer(() => this.#onHeld(key));
    this.#byKey.set(key, created);
    return created;
  }

  /** Returns the held answer of a resource, if there is one. */
  get(key: ResourceKey): HeldAnswer | undefined {
    return this.#byKey.get(key);
  }

  /** Drops the answer of a resource, also that of a pass in progress. */
  drop(key: ResourceKey): void {
    this.#byKey.get(key)?.revoke();
    this.#byKey.delete(key);
    this.#used.delete(key);
  }

  /** Ends a pass. Drops the answer if nothing is held. */
  endPass(key: ResourceKey): void {
    if (!this.#byKey.get(key)?.isUsed) this.drop(key);
  }

  #onHeld(key: ResourceKey): void {
    this.#used.add(key);
    const [oldest] = this.#used;
    if (this.#used.size > maxHeldAnswers && oldest !== undefined) this.drop(oldest);
  }
}

/** Returns the time until which answers save calls, in milliseconds by `performance.now()`. */
export function endOf({ until, requeueAt }: Validity): number {
  return Math.min(until, requeueAt ?? Number.POSITIVE_INFINITY);
}
