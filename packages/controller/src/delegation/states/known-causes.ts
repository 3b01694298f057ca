import { createHash } from 'node:crypto';
import { limits } from '../../limits/limits.ts';
import type { BaseState, StateName } from './base-state.ts';
import { causeTextOf } from './cause-text.ts';

const { maxCauses, maxReasons } = limits.states;

/** Cause for which resources aren't ready. */
export interface Cause {
  /** Id, the same as long as the cause is. */
  readonly id: string;
  readonly state: StateName;
  /** Reason in one PascalCase word; empty for the rest of all reasons. */
  readonly reason: string;
}

/** Causes of a delegation, in a bounded number: those beyond it are told apart by their reasons, and beyond the next by their states. */
export class KnownCauses {
  readonly #delegation: string;
  readonly #causes = new Map<string, { cause: Cause; users: number }>();

  constructor(delegation: string) {
    this.#delegation = delegation;
  }

  get(id: string): Cause | undefined {
    return this.#causes.get(id)?.cause;
  }

  /** Returns the cause of a state for one more resource. */
  take({ state, reason, message, about }: BaseState): Cause {
    const { size } = this.#causes;
    const own = this.#idOf(state, reason, causeTextOf(message, about));
    if (this.#causes.has(own) || size < maxCauses) return this.#use({ id: own, state, reason });
    const ofReason = this.#idOf(state, reason);
    if (this.#causes.has(ofReason) || size < maxCauses + maxReasons) return this.#use({ id: ofReason, state, reason });
    return this.#use({ id: this.#idOf(state), state, reason: '' });
  }

  /** Forgets a cause when its last resource is gone. */
  release(id: string): void {
    const known = this.#causes.get(id);
    if (known && --known.users === 0) this.#causes.delete(id);
  }

  #use(cause: Cause): Cause {
    const known = this.#causes.get(cause.id) ?? { cause, users: 0 };
    known.users++;
    this.#causes.set(cause.id, known);
    return known.cause;
  }

  #idOf(...parts: string[]): string {
    return createHash('sha256')
      .update(JSON.stringify([this.#delegation, ...parts]))
      .digest('base64url')
      .slice(0, 16);
  }
}
