import { join } from 'node:path';
import type { ManifestFile, ManifestProblem, ParsedManifest } from '../manifest.ts';
import { describeKey, type ResourceKey } from '../resource.ts';

/** Accepted manifest, with the path of its file relative to the directory. */
interface Definition extends ParsedManifest {
  path: string;
}

/** Definitions in all files of a directory. */
export interface Definitions {
  /** Accepted manifests, in the order of files. */
  accepted: Map<ResourceKey, Definition>;
  /** Files with a problem, or that prove no deletion. Resources that they defined earlier are not deleted. */
  held: Set<string>;
  /** Resources in files with a problem, which are ignored until the problem is fixed. */
  claimed: Set<ResourceKey>;
  /** Problems of single files. */
  problems: ManifestProblem[];
  /** Resources that are defined more than once. */
  duplicates: ManifestProblem[];
}

/**
 * Decides which manifest is accepted for each resource. If several files define a resource, the file that defined it earlier wins, else
 * the first one in the order of paths; the others are reported as problems. No manifest of a file with a problem is accepted. Pure.
 */
export function resolveDefinitions(
  directory: string,
  contents: ReadonlyMap<string, (ManifestFile & { keepsLost?: boolean }) | undefined>,
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
  for (const [key, definitions] of candidates)
    choose(result, key, definitions, { directory, broken, source: sourceOf(key) });
  for (const [path, content] of contents) if (content?.keepsLost) result.held.add(path);
  return result;
}

/** Accepts one of several definitions of a resource. The others are duplicates. */
function choose(
  result: Definitions,
  key: ResourceKey,
  definitions: readonly Definition[],
  { directory, broken, source }: { directory: string; broken: ReadonlySet<string>; source: string | undefined },
): void {
  const holder = source !== undefined && broken.has(source) ? source : undefined;
  const winner = holder ?? definitions.find(({ path }) => path === source) ?? definitions[0];
  if (typeof winner === 'object') result.accepted.set(key, winner);
  for (const other of definitions.filter((definition) => definition !== winner)) {
    result.held.add(other.path);
    result.duplicates.push(duplicate(directory, other, winner));
  }
}

function duplicate(
  directory: string,
  { path, line, column, key }: Definition,
  rival: Definition | string | undefined,
): ManifestProblem {
  const name = describeKey(key);
  const message =
    typeof rival === 'object'
      ? `${name} is already defined in ${rival.path} on line ${rival.line}, which takes precedence. Remove one of the two.`
      : `${name} was defined in ${rival}, which has to be fixed first.`;
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
