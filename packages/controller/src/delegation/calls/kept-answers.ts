import { limits } from '../../limits/limits.ts';
import { formatPlugin, isSameVersionedName, type VersionedName } from '../../names.ts';
import type { Resource } from '../../resources/resource.ts';
import { isSubstantial } from '../classify-change.ts';
import type { Gathered } from '../extensions/gather.ts';
import type { Attempt } from './attempt.ts';
import { type PassRecord, PassRecords } from './pass-records.ts';

/** Largest number of resources whose answers are kept. The oldest answers are dropped. */
const { maxKeptAnswers } = limits.delegation;

/** Answers to one pass, with the resources that they are for. */
interface Answers {
  attempts: readonly Attempt[];
  gathered: Gathered;
  at: number;
}

/**
 * Successful answers of plugins for one resource, kept until they are written, so that the retry of a failed write doesn't call the
 * plugins again.
 */
export class KeptAnswer implements PassRecord {
  readonly #onKept: () => void;
  #answers: Answers | undefined;
  #finalized: { uid: string; plugins: Set<string> } | undefined;
  #isRevoked = false;

  /** @param onKept called when something is kept. */
  constructor(onKept: () => void) {
    this.#onKept = onKept;
  }

  /** True if something is kept. */
  get isUsed(): boolean {
    return this.#answers !== undefined || this.#finalized !== undefined;
  }

  /** Keeps the answers of a pass, unless they were revoked during it. */
  keep(gathered: Gathered, attempts: readonly Attempt[]): void {
    if (this.#isRevoked || this.#answers?.attempts === attempts) return;
    this.#answers = { gathered, attempts, at: performance.now() };
    this.#onKept();
  }

  /** Returns the answers of the same plugins for the same state of the resources, if they are at most `maxAge` milliseconds old. */
  find(gathered: Gathered, chosen: readonly VersionedName[], maxAge: number): readonly Attempt[] | undefined {
    if (!this.#answers || performance.now() - this.#answers.at > maxAge) return undefined;
    const { attempts, gathered: former } = this.#answers;
    const isOfChosen =
      chosen.length === attempts.length &&
      attempts.every(({ implementation }) => chosen.some((one) => isSameVersionedName(one, implementation)));
    return isOfChosen && isSameInput(former, gathered) ? attempts : undefined;
  }

  /** Records that a plugin has finalized a resource whose finalizer is yet to be removed. */
  keepFinalized({ metadata: { uid } }: Resource, plugin: VersionedName): void {
    if (this.#isRevoked) return;
    if (this.#finalized?.uid !== uid) this.#finalized = { uid, plugins: new Set() };
    this.#finalized.plugins.add(formatPlugin(plugin));
    this.#onKept();
  }

  /** Reports whether a plugin has finalized a resource. */
  isFinalized({ metadata: { uid } }: Resource, plugin: VersionedName): boolean {
    return this.#finalized?.uid === uid && this.#finalized.plugins.has(formatPlugin(plugin));
  }

  /** Drops what is kept, and keeps nothing more. */
  revoke(): void {
    this.#isRevoked = true;
    this.#answers = undefined;
    this.#finalized = undefined;
  }
}

/** Kept answers of the resources of one delegation. */
export class KeptAnswers extends PassRecords<KeptAnswer> {
  constructor() {
    super((onUsed) => new KeptAnswer(onUsed), maxKeptAnswers);
  }
}

function isSameInput(former: Gathered, { base, extensions }: Gathered): boolean {
  if (former.extensions.size !== extensions.size || !isUnchanged(base, former.base)) return false;
  return [...extensions].every(([key, extension]) => isUnchanged(extension, former.extensions.get(key)));
}

function isUnchanged(resource: Resource, previous: Resource | undefined): boolean {
  return previous !== undefined && !isSubstantial({ resource, previous, gone: false });
}
