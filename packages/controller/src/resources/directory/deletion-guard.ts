import type { Logger } from 'pino';
import { limits, limitTable } from '../../limits/limits.ts';
import { readLimit } from '../../limits/read-limit.ts';
import type { ManifestProblem } from '../manifest.ts';
import { describeKey } from '../resource.ts';
import type { UndefinedResource, UndefinedResources } from './desired-state.ts';
import {
  digestOf,
  type PendingDeletion,
  readConfirmation,
  readHeldDeletions,
  removeConfirmation,
  writeHeldDeletions,
} from './held-deletions.ts';
import { nameSome } from './name-some.ts';

/** Time within which deletions count as made at once, in milliseconds. */
const { deletionWindow } = limits.directory;

/** Limits of deletions. */
export interface DeletionLimits {
  /** Largest share of the resources that is deleted at once without a confirmation, in percent. */
  maxDeletions: number;
  /** Number of resources from which `maxDeletions` applies. */
  maxDeletionsThreshold: number;
}

/** Reads the limits of deletions. Throws `InvalidConfiguration` for a value that is out of range. */
export function readDeletionLimits(options: Partial<DeletionLimits>): DeletionLimits {
  const { maxDeletions, maxDeletionsThreshold } = limitTable.directory;
  return {
    maxDeletions: readLimit(maxDeletions, options.maxDeletions),
    maxDeletionsThreshold: readLimit(maxDeletionsThreshold, options.maxDeletionsThreshold),
  };
}

/** Reports whether deletions need a confirmation. @param recent number of deletions of the last seconds, which `total` doesn't include. */
export function needConfirmation(
  { deletions, total, isDirectoryEmpty }: UndefinedResources,
  { maxDeletions, maxDeletionsThreshold }: DeletionLimits,
  recent = 0,
): boolean {
  if (isDirectoryEmpty && deletions.length > 0) return true;
  const all = total + recent;
  return deletions.length > 0 && all >= maxDeletionsThreshold && deletions.length + recent > (all * maxDeletions) / 100;
}

/** Describes held deletions, and how to end the hold. */
export function describeHeld(
  held: readonly PendingDeletion[],
  total: number,
  { directory, stateDir }: { directory: string; stateDir?: string | undefined },
): string {
  const names = nameSome(held.map(({ key }) => describeKey(key)));
  return (
    `No file defines ${held.length} of ${total} resources any more: ${names}. Their deletion is held; restore the files, or delete the ` +
    `resources with: kplug manifests confirm --manifests ${directory}${stateDir === undefined ? '' : ` --state-dir ${stateDir}`}`
  );
}

/** Options of a deletion guard. */
export interface DeletionGuardOptions extends DeletionLimits {
  /** Directory of manifests, for messages. */
  directory: string;
  /** State folder, if it isn't in the directory; for messages. */
  stateDir?: string | undefined;
  /** State folder. */
  folder: string;
  logger: Logger;
}

/**
 * Holds deletions of a large share of a directory's resources until a user confirms them or restores the files. While deletions are held,
 * further ones are held with them. A confirmation applies to exactly the deletions that it was given for.
 */
export class DeletionGuard {
  readonly #options: DeletionGuardOptions;
  readonly #recent: number[] = [];
  #held: readonly PendingDeletion[] = [];
  /** Digest of the stored deletions; missing before the first write, or after one failed. */
  #stored: string | undefined;
  #total = 0;

  constructor(options: DeletionGuardOptions) {
    this.#options = options;
  }

  /** Reads the deletions that were held when the directory was followed last. */
  async load(): Promise<void> {
    this.#held = await readHeldDeletions(this.#options.folder);
    this.#stored = digestOf(this.#held);
  }

  /** Reports whether deletions are held. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** Reports whether there is a confirmation that was not considered yet. */
  async hasConfirmation(): Promise<boolean> {
    return (await readConfirmation(this.#options.folder)) !== undefined;
  }

  /** Returns the problem that the held deletions are, if there are any. */
  problems(): ManifestProblem[] {
    if (!this.isHolding) return [];
    const { directory } = this.#options;
    return [{ file: directory, message: describeHeld(this.#held, this.#total, this.#options) }];
  }

  /** Returns the deletions that may be made now. Rejects with `StorageFailed`. */
  async admit(pending: UndefinedResources): Promise<readonly PendingDeletion[]> {
    const { folder, logger } = this.#options;
    const { deletions, total } = pending;
    const digest = digestOf(deletions);
    const confirmed = await readConfirmation(folder);
    const isConfirmed = confirmed === digest;
    if (isConfirmed || !this.#mustHold(pending)) {
      if (isConfirmed && this.isHolding) logger.info({ count: deletions.length }, 'The held deletions were confirmed');
      await this.#hold([], total);
      if (!isConfirmed) this.#count(deletions);
    } else {
      await this.#hold(deletions, total);
      if (confirmed !== undefined)
        logger.warn('The deletions have changed since they were confirmed; confirm them again');
    }
    if (confirmed !== undefined) await removeConfirmation(folder);
    return this.isHolding ? [] : deletions;
  }

  #mustHold(pending: UndefinedResources): boolean {
    const now = performance.now();
    while (this.#recent[0] !== undefined && now - this.#recent[0] > deletionWindow) this.#recent.shift();
    if (needConfirmation(pending, this.#options, this.#recent.length)) return true;
    const held = new Set(this.#held.map(({ uid }) => uid));
    return pending.deletions.some(({ uid }) => held.has(uid));
  }

  async #hold(deletions: readonly PendingDeletion[], total: number): Promise<void> {
    const digest = digestOf(deletions);
    if (this.#total === 0 || digest !== digestOf(this.#held)) this.#total = total;
    this.#held = deletions;
    if (this.#stored === digest) return;
    this.#stored = undefined;
    await writeHeldDeletions(this.#options.folder, deletions);
    this.#stored = digest;
  }

  /** Counts deletions, but not those of resources that come and go all the time. */
  #count(deletions: readonly UndefinedResource[]): void {
    for (const { createdAt } of deletions) {
      if (Date.now() - createdAt > deletionWindow) this.#recent.push(performance.now());
    }
  }
}
