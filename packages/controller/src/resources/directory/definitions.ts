import { join } from 'node:path';
import type { ManifestFile, ManifestProblem, ParsedManifest } from '../manifest.ts';
import { describeReference, parseKey, type ResourceKey } from '../resource.ts';

/** A manifest that counts, and the file that holds it: its path below the directory. */
interface Definition extends ParsedManifest {
  path: string;
}

/** What a directory's files say together. */
export interface Definitions {
  /** The manifests that count, in the order of files. */
  accepted: Map<ResourceKey, Definition>;
  /** Files with something wrong. What they defined before is never taken for deleted. */
  held: Set<string>;
  /** Resources that a broken file still defines, although it isn't followed until it is put right. */
  claimed: Set<ResourceKey>;
  /** What is wrong with files by themselves. */
  problems: ManifestProblem[];
  /** What is defined more than once. */
  duplicates: ManifestProblem[];
}

/**
 * Settles which manifest counts for each resource. One that stands in several places is the file's that defined it before,
 * else the first one's in the order of paths; each other place is a problem. Nothing counts of a file with a problem of its
 * own. Pure.
 */
export function resolveDefinitions(
  directory: string,
  contents: ReadonlyMap<string, ManifestFile | undefined>,
  sourceOf: (key: ResourceKey) => string | undefined,
): Definitions {
  const result: Definitions = {
    accepted: new Map(),
    held: new Set(),
    claimed: new Set(),
    problems: [],
    duplicates: [],
  };
  const candidates = new Map<ResourceKey, Definition[]>();
  for (const [path, content] of contents) {
    if (content && content.problems.length === 0) addCandidates(candidates, path, content);
    else hold(result, path, content);
  }
  const broken = new Set(result.held);
  for (const [key, definitions] of candidates) {
    const source = sourceOf(key);
    const holder = source !== undefined && broken.has(source) ? source : undefined;
    const winner = holder ?? definitions.find(({ path }) => path === source) ?? definitions[0];
    if (typeof winner === 'object') result.accepted.set(key, winner);
    for (const other of definitions.filter((definition) => definition !== winner)) {
      result.held.add(other.path);
      result.duplicates.push(duplicate(directory, other, winner));
    }
  }
  return result;
}

function duplicate(
  directory: string,
  { path, line, column, key }: Definition,
  rival: Definition | string | undefined,
): ManifestProblem {
  const name = describeReference(parseKey(key));
  const message =
    typeof rival === 'object'
      ? `${name} is defined already, in ${rival.path} on line ${rival.line}, which counts. Remove one of the two.`
      : `${name} was defined in ${rival}, which has to be put right first.`;
  return { file: join(directory, path), line, column, message };
}

function addCandidates(candidates: Map<ResourceKey, Definition[]>, path: string, { manifests }: ManifestFile): void {
  for (const parsed of manifests) {
    const others = candidates.get(parsed.key);
    if (others) others.push({ ...parsed, path });
    else candidates.set(parsed.key, [{ ...parsed, path }]);
  }
}

function hold({ held, claimed, problems }: Definitions, path: string, content: ManifestFile | undefined): void {
  held.add(path);
  problems.push(...(content?.problems ?? []));
  for (const { key } of content?.manifests ?? []) claimed.add(key);
}
