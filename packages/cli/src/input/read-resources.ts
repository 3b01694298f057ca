import { KplugError, type Resource, type ResourceKey } from '@kplug/controller';
import { formatProblem, readDirectory } from '@kplug/controller/directory';
import { type ClusterReader, type NamedKind, openClusterReader, type PrintedTable } from '@kplug/controller/tools';
import { type ClusterChoice, kubeConfigOf, meansCluster } from '../operator/cluster-choice.ts';
import { findReadDirectories } from './find-manifests.ts';
import { findServedKind } from './find-served-kind.ts';
import { type LiveState, readLiveStates } from './read-live-states.ts';

/** Source and kind of the resources to read. */
export interface ReadChoice extends ClusterChoice {
  /** Manifest directory. Default: as `findManifests` says. */
  manifests?: string;
  /** State directory. Default: as `withStateDir` says. */
  stateDir?: string;
  kind: string;
  /** Namespace of a cluster to read. Default: that of the context. */
  namespace?: string;
  /** True to read all namespaces. */
  allNamespaces?: boolean;
  /** True to read the columns of a table, too. */
  printed?: boolean;
}

/** Resources of a directory, or those of one kind in a cluster. */
export interface ReadResources {
  resources: readonly Resource[];
  /** Problems of files that could not be read, and of the operator. */
  problems: readonly string[];
  /** States of resources that aren't ready, as a running operator of the directory has them in memory. */
  live: ReadonlyMap<ResourceKey, LiveState>;
  /** UIDs of resources that no file defines, and whose deletion is held. */
  held: ReadonlySet<string>;
  /** Description of the source, for messages. */
  place: string;
  /** Full name of the kind. */
  kind: string;
  /** True if the kind exists even if it has no resource. */
  isServed: boolean;
  /** Default namespace. */
  namespace: string;
  /** Columns of the kind, as the API server prints them; `undefined` for a directory. */
  printed: PrintedTable | undefined;
}

/** Reads a directory, or one kind of a cluster. */
export async function readResources(choice: ReadChoice): Promise<ReadResources> {
  if (meansCluster(choice)) return readCluster(choice);
  const { kind } = choice;
  const { manifests: place, ...states } = await findReadDirectories(choice);
  // Asked first: a status that the operator writes meanwhile is newer.
  const { byKey: live, problem } = await readLiveStates(place, states.stateDir);
  const read = await readDirectory(place, states);
  const held = new Set(read.isHeld ? read.deletions.map(({ uid }) => uid) : []);
  const problems = [...read.problems.map(formatProblem), ...(problem === undefined ? [] : [problem])];
  const resources = read.resources;
  return { resources, problems, held, live, place, kind, isServed: false, namespace: 'default', printed: undefined };
}

async function readCluster(choice: ReadChoice): Promise<ReadResources> {
  const reader = await openClusterReader(kubeConfigOf(choice));
  try {
    const kind = await findServedKind(reader, choice.kind);
    const namespace = choice.allNamespaces ? undefined : (choice.namespace ?? reader.namespace);
    return {
      resources: await listResources(reader, kind, namespace),
      problems: [],
      live: new Map(),
      held: new Set(),
      place: `the cluster at ${reader.server}`,
      kind: kind.kind,
      isServed: true,
      namespace: reader.namespace,
      printed: choice.printed ? await reader.printTable(kind, namespace) : undefined,
    };
  } finally {
    await reader.close();
  }
}

/** Lists the resources of a namespace; if it has none, those of all, so that a message can say where there are some. */
async function listResources(
  reader: ClusterReader,
  kind: NamedKind,
  namespace: string | undefined,
): Promise<Resource[]> {
  const found = await reader.list(kind, namespace);
  if (found.length > 0 || namespace === undefined || !kind.namespaced) return found;
  return await reader.list(kind, undefined).catch((error: unknown) => {
    // Many users may read a single namespace only.
    if (error instanceof KplugError) return found;
    throw error;
  });
}
