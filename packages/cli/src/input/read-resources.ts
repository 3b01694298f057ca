import type { Resource } from '@kplug/controller';
import { formatProblem, readDirectory } from '@kplug/controller/directory';
import { isKindNamed, openClusterReader } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { type ClusterChoice, kubeConfigOf, meansCluster } from '../operator/cluster-choice.ts';
import { findManifests } from './find-manifests.ts';

/** Source and kind of the resources to read. */
export interface ReadChoice extends ClusterChoice {
  /** Manifest directory. Default: as `findManifests` says. */
  manifests?: string;
  kind: string;
}

/** Resources of a directory, or those of one kind in a cluster. */
export interface ReadResources {
  resources: readonly Resource[];
  /** Problems of files that could not be read. */
  problems: readonly string[];
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
}

/** Reads a directory, or one kind of a cluster. */
export async function readResources(choice: ReadChoice): Promise<ReadResources> {
  if (meansCluster(choice)) return readCluster(choice);
  const { kind } = choice;
  const place = await findManifests(choice.manifests);
  const { resources, problems, deletions, isHeld } = await readDirectory(place);
  const held = new Set(isHeld ? deletions.map(({ uid }) => uid) : []);
  return { resources, problems: problems.map(formatProblem), held, place, kind, isServed: false, namespace: 'default' };
}

async function readCluster(choice: ReadChoice): Promise<ReadResources> {
  const reader = await openClusterReader(kubeConfigOf(choice));
  try {
    const kinds = (await reader.kinds()).filter(
      (served) => isKindNamed(served, choice.kind) || served.shortNames.includes(choice.kind.toLowerCase()),
    );
    const [kind, other] = kinds;
    if (!kind) {
      const advice = 'apply its CustomResourceDefinition, or see "kubectl api-resources"';
      throw new CommandError('notFound', `the cluster at ${reader.server} has no kind ${choice.kind}; ${advice}`);
    }
    if (other) {
      const names = kinds.map(({ plural, apiVersion }) => `${plural}.${apiVersion.split('/')[0]}`).sort();
      throw new CommandError('usage', `${choice.kind} is ambiguous: ${names.join(', ')}; give one of these`);
    }
    return {
      resources: await reader.list(kind, undefined),
      problems: [],
      held: new Set(),
      place: `the cluster at ${reader.server}`,
      kind: kind.kind,
      isServed: true,
      namespace: reader.namespace,
    };
  } finally {
    await reader.close();
  }
}
