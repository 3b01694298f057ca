import type { Manifest } from '../../resources/check-manifest.ts';
import { isJsonObject } from '../../resources/json.ts';
import { groupOf, type JsonObject } from '../../resources/resource.ts';
import { isOfKubernetes } from '../rights-granting-kinds.ts';
import { type FoundObject, findObjects, valueAt } from './walk-json.ts';

/** Paths of the pod spec in Kubernetes' kinds, by group and kind. */
const podSpecPaths: ReadonlyMap<string, string> = new Map([
  ['/Pod', 'spec'],
  ['/PodTemplate', 'template.spec'],
  ...[
    '/ReplicationController',
    'apps/DaemonSet',
    'apps/Deployment',
    'apps/ReplicaSet',
    'apps/StatefulSet',
    'batch/Job',
  ].map((name) => [name, 'spec.template.spec'] as const),
  ['batch/CronJob', 'spec.jobTemplate.spec.template.spec'],
]);

/** Pod spec, or an object outside of Kubernetes that names a ServiceAccount. */
export interface PodSpec extends FoundObject {
  /** False for an object without containers. */
  isPod: boolean;
}

/** Returns the path of the pod spec of a kind of Kubernetes; `undefined` when the kind has none. */
export function podSpecPathOf({ apiVersion, kind }: Pick<Manifest, 'apiVersion' | 'kind'>): string | undefined {
  return podSpecPaths.get(`${groupOf(apiVersion)}/${kind}`);
}

/**
 * Returns the pod specs in a manifest. In kinds outside of Kubernetes, every object with a list of containers or with a ServiceAccount
 * counts as one.
 */
export function findPodSpecs(manifest: Manifest): PodSpec[] {
  const path = podSpecPathOf(manifest);
  if (path !== undefined) {
    const object = valueAt(manifest as JsonObject, ...path.split('.'));
    return isJsonObject(object) ? [{ path, object, isPod: true }] : [];
  }
  if (isOfKubernetes(manifest)) return [];
  const { apiVersion: _, kind: __, metadata: ___, ...content } = manifest;
  const found = findObjects(content as JsonObject, (object) => hasContainers(object) || hasAccount(object));
  return found.map(({ path: place, object }) => ({ path: place, object, isPod: hasContainers(object) }));
}

/** Lists of containers in a pod spec. */
export const containerLists = ['containers', 'initContainers', 'ephemeralContainers'] as const;

/** Fields that name a ServiceAccount. The last one occurs outside of Kubernetes only. */
export const accountFields = ['serviceAccountName', 'serviceAccount', 'serviceAccountRef'] as const;

function hasContainers(object: JsonObject): boolean {
  return containerLists.some((field) => Array.isArray(object[field]) && object[field].some(isJsonObject));
}

function hasAccount(object: JsonObject): boolean {
  return accountFields.some((field) => object[field] !== undefined);
}
