import type { ResourceRequirement } from '../../clients/plugin-call.ts';
import { KplugError } from '../../errors.ts';
import { formatPlugin, type VersionedName } from '../../names.ts';
import type { Resources } from '../../resources/port.ts';
import { formatKey, isSameKind, keyOf, type Resource } from '../../resources/resource.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { describeRequirement, type Requirements } from './requirement.ts';

/** Entry of the list of permitted namespaces that stands for all. */
export const allNamespaces = '*';

type Requested = ReadonlyMap<string, ResourceRequirement>;

/**
 * Checks that the delegation permits what a plugin requires, and completes it with the namespace of the base. Throws
 * `RequirementForbidden`.
 */
export function checkPermitted(
  requested: Requested,
  base: Resource,
  plugin: VersionedName,
  { requirements: { kinds } }: Pick<DelegationSettings, 'requirements'>,
): Requirements {
  const home = base.metadata.namespace ?? '';
  const checked = [...requested].map(([name, given]) => {
    const requirement = { ...given, namespace: given.namespace || home };
    const { apiVersion, kind, namespace } = requirement;
    const subject = `${formatPlugin(plugin)} requires ${describeRequirement(requirement)}`;
    const entry = kinds.find((one) => isSameKind(one, requirement));
    if (!entry) {
      throw forbidden(`${subject}, of a kind that the delegation doesn't permit; list it in requirements.kinds`);
    }
    const isPermitted = entry.namespaces.includes(namespace) || entry.namespaces.includes(allNamespaces);
    if (namespace !== home && !isPermitted) {
      const advice = `list the namespace in the entry of ${kind} (${apiVersion}) in requirements.kinds`;
      throw forbidden(`${subject}, from which the delegation doesn't permit the kind; ${advice}`);
    }
    return [name, requirement] as const;
  });
  return new Map(checked);
}

/**
 * Checks what a plugin requires against the scopes of the kinds, once these are followed. Throws `RequirementForbidden`, or
 * `InvalidResponse`.
 */
export function checkScopes(
  requested: Requested,
  permitted: Requirements,
  base: Resource,
  plugin: VersionedName,
  resources: Pick<Resources, 'isNamespaced' | 'followsNamespace'>,
): void {
  for (const [name, requirement] of permitted) {
    const isNamespaced = resources.isNamespaced?.(requirement);
    const subject = `${formatPlugin(plugin)} requires ${describeRequirement(requirement)}`;
    if (isNamespaced === false && requested.get(name)?.namespace) {
      throw invalid(`${subject}, of a cluster-scoped kind; leave out the namespace`);
    }
    if (isNamespaced && !requirement.namespace) {
      throw invalid(`${subject} without a namespace, and the resource itself has none; give one`);
    }
    const { namespace } = requirement;
    if (namespace && isNamespaced !== false && resources.followsNamespace?.(namespace) === false) {
      const advice = 'add the namespace to those that the operator watches';
      throw forbidden(`${subject}, but the operator doesn't follow the namespace ${namespace}; ${advice}`);
    }
    if (requirement.name && formatKey(inScope(requirement, resources)) === keyOf(base)) {
      throw invalid(`${subject}, which is the resource itself; every call brings it as the base`);
    }
  }
}

/** Returns a requirement with no namespace if its kind has none. */
export function inScope<R extends ResourceRequirement>(requirement: R, resources: Pick<Resources, 'isNamespaced'>): R {
  return resources.isNamespaced?.(requirement) === false ? { ...requirement, namespace: '' } : requirement;
}

function forbidden(message: string): KplugError {
  return new KplugError('RequirementForbidden', message);
}

function invalid(message: string): KplugError {
  return new KplugError('InvalidResponse', message);
}
