import { KplugError, messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import type { ManifestProblem } from '../manifest.ts';
import { MemoryResources } from '../memory/memory-resources.ts';
import { keyOf, type Resource } from '../resource.ts';
import { resolveDefinitions } from './definitions.ts';
import { type DeletionLimits, describeHeld, needConfirmation, readDeletionLimits } from './deletion-guard.ts';
import { DesiredState } from './desired-state.ts';
import { type PendingDeletion, readConfirmation, readHeldDeletions, writeConfirmation } from './held-deletions.ts';
import type { SettleTimes } from './judge-change.ts';
import { ManifestFiles } from './manifest-files.ts';
import type { DirectoryOptions } from './open-directory.ts';
import { sortProblems } from './problem-list.ts';
import { readStates } from './read-states.ts';
import { checkDirectory, hasStateFolder, isBoundTo, stateFolderOf } from './state-folder.ts';

/** Content of a directory at one moment. */
export interface DirectoryView {
  /** Resources as defined in the files, with their statuses, and those whose deletion is held. */
  resources: Resource[];
  problems: ManifestProblem[];
  /** Deletions of resources that no file defines any more. */
  deletions: PendingDeletion[];
  /** True if the operator holds these deletions until they are confirmed. */
  isHeld: boolean;
}

const { maxReadAttempts: maxAttempts } = limits.directory;

/** Every complete file counts immediately, and one that is open for writing is a problem. */
const immediately: SettleTimes = {
  changed: 0,
  vanished: 0,
  rewritten: 0,
  hiddenRewritten: 0,
  maxChanging: 0,
};

/**
 * Reads the resources of a directory as an operator that starts now would see them. A resource that no operator has seen yet gets a
 * temporary `uid` and creation time. Takes no lock and writes nothing, so an operator may follow the directory at the same time. Rejects
 * with `InvalidConfiguration` when the directory can't be read.
 *
 * @param options the operator's state directory and limits of deletions.
 */
export async function readDirectory(
  directory: string,
  { stateDir, ...limits }: Pick<DirectoryOptions, 'stateDir'> & Partial<DeletionLimits> = {},
): Promise<DirectoryView> {
  await checkDirectory(directory);
  if (stateDir !== undefined) await isBoundTo(directory, stateDir);
  const folder = stateFolderOf(directory, stateDir);
  const { states, corrupt } = await readStates(folder);
  const resources = new MemoryResources();
  const desired = new DesiredState();
  for (const { source, ...stored } of states) {
    resources.restore(stored);
    desired.restore(keyOf(stored.resource), source);
  }
  const files = new ManifestFiles(directory, () => desired.defined(resources));
  files.expect(states.map(({ source }) => source).filter(Boolean));
  let result = await files.scan(immediately);
  for (let attempt = 1; result.again !== undefined && attempt < maxAttempts; attempt += 1) {
    result = await files.scan(immediately);
  }
  const definitions = resolveDefinitions(directory, files.contents(), (key) => desired.sourceOf(key));
  desired.apply(resources, definitions);
  const isDirectoryEmpty = result.isEmpty && !(await hasStateFolder(directory));
  const pending = { ...desired.undefinedResources(resources, definitions), isDirectoryEmpty };
  if (!result.hasSettled) pending.deletions = [];
  const formerlyHeld = new Set((await readHeldDeletions(folder)).map(({ uid }) => uid));
  const isHeld =
    needConfirmation(pending, readDeletionLimits(limits)) || pending.deletions.some(({ uid }) => formerlyHeld.has(uid));
  if (!isHeld) for (const { key } of pending.deletions) resources.delete(key);
  const held = isHeld
    ? [{ file: directory, message: describeHeld(pending.deletions, pending.total, { directory, stateDir }) }]
    : [];
  return {
    resources: resources.keys().flatMap((key) => resources.get(key) ?? []),
    problems: sortProblems([
      ...result.problems,
      ...definitions.problems,
      ...definitions.duplicates,
      ...corrupt,
      ...held,
    ]),
    deletions: pending.deletions,
    isHeld,
  };
}

/**
 * Confirms the deletions that `readDirectory` returned. An operator makes them only if they are still exactly those that it would make.
 * Rejects with `StorageFailed`.
 */
export async function confirmDeletions(
  directory: string,
  deletions: readonly PendingDeletion[],
  { stateDir }: Pick<DirectoryOptions, 'stateDir'> = {},
): Promise<void> {
  try {
    await writeConfirmation(stateFolderOf(directory, stateDir), deletions);
  } catch (cause) {
    throw new KplugError('StorageFailed', `The confirmation can't be written: ${messageOf(cause)}.`, { cause });
  }
}

/**
 * Outcome of a confirmation, as far as files show it: `pending` until an operator considers it, `refused` when it holds other deletions,
 * else `accepted`.
 */
export async function readConfirmationOutcome(
  directory: string,
  { stateDir }: Pick<DirectoryOptions, 'stateDir'> = {},
): Promise<'pending' | 'refused' | 'accepted'> {
  const folder = stateFolderOf(directory, stateDir);
  if ((await readConfirmation(folder)) !== undefined) return 'pending';
  return (await readHeldDeletions(folder)).length > 0 ? 'refused' : 'accepted';
}
