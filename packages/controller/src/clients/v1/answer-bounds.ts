import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { checkJsonBounds, type JsonBounds } from '../json-bounds.ts';

const { maxAnswerValues, maxDependentSize, maxDependentValues, maxKeyLength, maxStatusDepth, maxStatusValues } =
  limits.calls;

/** Bounds of the statuses and dependents of one answer. They are checked before these are parsed. */
export class AnswerBounds {
  readonly #status: JsonBounds;
  readonly #dependent: JsonBounds = {
    maxSize: maxDependentSize,
    maxDepth: maxStatusDepth,
    maxValues: maxDependentValues,
    maxKeyLength,
  };
  #values = 0;

  /** @param maxStatusSize in bytes. */
  constructor(maxStatusSize: number) {
    this.#status = { maxSize: maxStatusSize, maxDepth: maxStatusDepth, maxValues: maxStatusValues, maxKeyLength };
  }

  /** Checks a status. Throws `InvalidResponse`. */
  checkStatus(bytes: Uint8Array, what: string): void {
    this.#check(bytes, what, this.#status, bytes.length > this.#status.maxSize ? raiseLimit : '');
  }

  /** Checks a dependent. Throws `InvalidResponse`. */
  checkDependent(bytes: Uint8Array, what: string): void {
    this.#check(bytes, what, this.#dependent);
  }

  #check(bytes: Uint8Array, what: string, bounds: JsonBounds, advice = ''): void {
    const { values, excess } = checkJsonBounds(bytes, bounds);
    if (excess !== undefined) throw new KplugError('InvalidResponse', `${what} ${excess}${advice}`);
    this.#values += values;
    if (this.#values <= maxAnswerValues) return;
    const limit = maxAnswerValues.toLocaleString('en');
    throw new KplugError('InvalidResponse', `the statuses and dependents have more than ${limit} values together`);
  }
}

const raiseLimit = '; return less, or raise maxStatusSize of the delegation';
