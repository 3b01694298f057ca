import { MemoryResources } from '../memory/memory-resources.ts';
import { keyOf, type Resource } from '../resource.ts';
import { resolveDefinitions } from './definitions.ts';
import { DesiredState } from './desired-state.ts';
import { ManifestFiles } from './manifest-files.ts';
import { type DirectoryProblem, sortProblems } from './problem-list.ts';
import { readStates } from './read-states.ts';
import { checkDirectory, stateFolderOf } from './state-folder.ts';

/** What a directory holds at a moment. */
export interface DirectoryView {
  /** The resources as they stand in the files, with what became of them. */
  resources: Resource[];
  problems: DirectoryProblem[];
}

/** How often files that change while they are read are read again. */
const mostAttempts = 5;

/**
 * Reads the resources of a directory as an operator that starts now would see them: one that no operator has seen yet gets a
 * `uid` and a time of creation for the moment only. Takes no lock and writes nothing, so an operator may follow the directory
 * meanwhile. Rejects with `InvalidConfiguration` when the directory can't be read.
 */
export async function readDirectory(directory: string): Promise<DirectoryView> {
  await checkDirectory(directory);
  const { states, corrupt } = await readStates(stateFolderOf(directory));
  const resources = new MemoryResources();
  const desired = new DesiredState();
  for (const { source, ...stored } of states) {
    resources.restore(stored);
    desired.restore(keyOf(stored.resource), source);
  }
  const files = new ManifestFiles(directory);
  files.expect(states.map(({ source }) => source));
  let look = await files.look({ changed: 0, vanished: 0 });
  for (let attempt = 1; look.again !== undefined && attempt < mostAttempts; attempt += 1) {
    look = await files.look({ changed: 0, vanished: 0 });
  }
  const definitions = resolveDefinitions(directory, files.contents(), (key) => desired.sourceOf(key));
  desired.apply(resources, definitions, look.again === undefined);
  return {
    resources: resources.keys().flatMap((key) => resources.get(key) ?? []),
    problems: sortProblems([...look.problems, ...definitions.problems, ...definitions.duplicates, ...corrupt]),
  };
}
