import { limits } from '../../limits/limits.ts';
import type { ManifestProblem } from '../manifest.ts';
import { MemoryResources } from '../memory/memory-resources.ts';
import { keyOf, type Resource } from '../resource.ts';
import { resolveDefinitions } from './definitions.ts';
import { DesiredState } from './desired-state.ts';
import { ManifestFiles } from './manifest-files.ts';
import type { DirectoryOptions } from './open-directory.ts';
import { sortProblems } from './problem-list.ts';
import { readStates } from './read-states.ts';
import { checkDirectory, isBoundTo, stateFolderOf } from './state-folder.ts';

/** Content of a directory at one moment. */
export interface DirectoryView {
  /** Resources as defined in the files, with their statuses. */
  resources: Resource[];
  problems: ManifestProblem[];
}

const { maxReadAttempts: maxAttempts } = limits.directory;

/**
 * Reads the resources of a directory as an operator that starts now would see them. A resource that no operator has seen yet gets a
 * temporary `uid` and creation time. Takes no lock and writes nothing, so an operator may follow the directory at the same time. Rejects
 * with `InvalidConfiguration` when the directory can't be read.
 */
export async function readDirectory(
  directory: string,
  { stateDir }: Pick<DirectoryOptions, 'stateDir'> = {},
): Promise<DirectoryView> {
  await checkDirectory(directory);
  if (stateDir !== undefined) await isBoundTo(directory, stateDir);
  const { states, corrupt } = await readStates(stateFolderOf(directory, stateDir));
  const resources = new MemoryResources();
  const desired = new DesiredState();
  for (const { source, ...stored } of states) {
    resources.restore(stored);
    desired.restore(keyOf(stored.resource), source);
  }
  const files = new ManifestFiles(directory);
  files.expect(states.map(({ source }) => source));
  let result = await files.scan({ changed: 0, vanished: 0 });
  for (let attempt = 1; result.again !== undefined && attempt < maxAttempts; attempt += 1) {
    result = await files.scan({ changed: 0, vanished: 0 });
  }
  const definitions = resolveDefinitions(directory, files.contents(), (key) => desired.sourceOf(key));
  desired.apply(resources, definitions, result.again === undefined);
  return {
    resources: resources.keys().flatMap((key) => resources.get(key) ?? []),
    problems: sortProblems([...result.problems, ...definitions.problems, ...definitions.duplicates, ...corrupt]),
  };
}
