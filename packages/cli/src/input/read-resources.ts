import { formatProblem, isKindNamed, openClusterReader, type Resource, readDirectory } from '@kplug/controller';
import { CommandError } from '../command-error.ts';
import { type ClusterChoice, kubeConfigOf, meansCluster } from '../operator/cluster-choice.ts';

/** Where resources are read, and which. */
export interface ReadChoice extends ClusterChoice {
  manifests: string;
  kind: string;
}

/** Resources that were read; of a cluster only those of the kind. */
export interface ReadResources {
  resources: readonly Resource[];
  /** What couldn't be read, for people. */
  problems: readonly string[];
  /** Where they are, for people. */
  place: string;
  /** The kind by its name in full. */
  kind: string;
  /** Whether the kind is known to be there, even if no resource is of it. */
  isServed: boolean;
  /** The namespace that is meant where none is named. */
  namespace: string;
}

/** Reads a directory, or a kind of a cluster. */
export async function readResources(choice: ReadChoice): Promise<ReadResources> {
  if (meansCluster(choice)) return readCluster(choice);
  const { kind, manifests: place } = choice;
  const { resources, problems } = await readDirectory(place);
  return { resources, problems: problems.map(formatProblem), place, kind, isServed: false, namespace: 'default' };
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
      throw new CommandError('usage', `${choice.kind} may mean any of ${names.join(', ')}; name one of these`);
    }
    return {
      resources: await reader.list(kind, undefined),
      problems: [],
      place: `the cluster at ${reader.server}`,
      kind: kind.kind,
      isServed: true,
      namespace: reader.namespace,
    };
  } finally {
    await reader.close();
  }
}
