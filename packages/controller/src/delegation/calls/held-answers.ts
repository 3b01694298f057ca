import { limits } from '../../limits/limits.ts';
import { type PassRecord, PassRecords } from './pass-records.ts';

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
export class HeldAnswer implements PassRecord {
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
export class HeldAnswers extends PassRecords<HeldAnswer> {
  constructor() {
    super((onUsed) => new HeldAnswer(onUsed), maxHeldAnswers);
  }
}

/** Returns the time until which answers save calls, in milliseconds by `performance.now()`. */
export function endOf({ until, requeueAt }: Validity): number {
  return Math.min(until, requeueAt ?? Number.POSITIVE_INFINITY);
}
