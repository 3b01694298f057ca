import { allNamespaces } from '../delegation/requirements/check-requirements.ts';
import { KplugError } from '../errors.ts';
import type {
  DryRunResources,
  FurtherNamespaces,
  ResourceDifference,
} from '../resources/kubernetes/dry-run-resources.ts';
import type { KubeConfigChoice } from '../resources/kubernetes/load-kube-config.ts';
import type { ResourceReference } from '../resources/resource.ts';
import { describeReference, formatKey } from '../resources/resource.ts';
import { type RenderOptions, runPass } from './render.ts';

/** Options of `diffPass`. */
export interface DiffOptions extends Omit<RenderOptions, 'observed'> {
  /** Cluster of the base. */
  cluster: KubeConfigChoice;
  base: ResourceReference;
}

/**
 * Runs one pass over a base of a cluster as an operator would, with one plugin, and returns what it would change. Writes are dry runs at the API
 * server, which stores nothing. The plugin is called, with all its side effects. `manifests` are applied first, as dry runs, too.
 *
 * Rejects with `InvalidConfiguration`, with `NotFound` when the base doesn't exist, and with `StorageFailed` when a resource can't be read or a
 * manifest can't be applied. Failures of the plugin are in the changed status.
 */
export async function diffPass({ cluster, base, manifests, ...options }: DiffOptions): Promise<ResourceDifference[]> {
  const required = options.delegations.flatMap(({ requirements }) => requirements?.kinds ?? []);
  const further = required.map(({ namespaces = [], ...kind }) => {
    return { ...kind, namespaces: namespaces.includes(allNamespaces) ? undefined : namespaces };
  });
  const resources = await openDryRun(cluster, base, further);
  const key = formatKey(base);
  try {
    await resources.follow(base, () => undefined);
    const problem = resources.problem(base);
    if (problem) throw new KplugError('StorageFailed', problem.message);
    const stored = resources.get(key);
    const subject = describeReference(base);
    if (!stored)
      throw new KplugError('NotFound', `${subject} does not exist in the cluster; apply it first, or omit --diff`);
    for (const manifest of manifests) await resources.apply(manifest);
    await runPass({ ...options, resources });
    if (resources.failure !== undefined) throw new KplugError('StorageFailed', resources.failure);
    return resources.differences();
  } finally {
    await resources.close();
  }
}

async function openDryRun(
  cluster: KubeConfigChoice,
  base: ResourceReference,
  further: readonly FurtherNamespaces[],
): Promise<DryRunResources> {
  // client-node takes long to load, and other tools need no cluster.
  const { DryRunResources } = await import('../resources/kubernetes/dry-run-resources.ts');
  return new DryRunResources(cluster, base, further);
}
