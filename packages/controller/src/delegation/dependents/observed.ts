import type {
  PluginAnswer,
  RequestedDependents,
  RequiredResources,
  ResourceRequirement,
} from '../../clients/plugin-call.ts';
import { isJsonObject } from '../../resources/json.ts';
import { groupOf, type JsonObject, keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { Requirements } from '../requirements/requirement.ts';

/** Prefix of the names of requirements that stand for observed dependents. Names that plugins choose have no space. */
const prefix = 'dependent ';

/** Reports whether a dependent is only observed: it belongs to another client, and is read and never written. */
export function isObserved({ apiVersion, kind, metadata }: JsonObject, { rules }: RequestedDependents): boolean {
  const name = isJsonObject(metadata) ? metadata.name : undefined;
  const group = typeof apiVersion === 'string' ? groupOf(apiVersion) : '';
  const names = group ? [`${kind}/${name}`, `${kind}.${group}/${name}`] : [`${kind}/${name}`];
  return names.some((one) => rules.get(one)?.policy === 'Observe');
}

/**
 * Returns what an answer requires: what it states, and the dependents that are only observed. An answer without dependents leaves these as
 * they were.
 */
export function requirementsOf(
  { requirements = new Map(), dependents }: PluginAnswer,
  known: Requirements,
): ReadonlyMap<string, ResourceRequirement> {
  const observed = dependents
    ? dependents.items.filter((item) => isObserved(item, dependents)).map(requirementOf)
    : [...known].filter(([name]) => isOfDependent(name));
  return new Map([...requirements, ...observed]);
}

/** Reports whether a requirement stands for an observed dependent, by its name. */
export function isOfDependent(name: string): boolean {
  return name.startsWith(prefix);
}

/** Divides the resources that a plugin required into those of dependents that it observes, and the others. */
export function divideRequired(found: RequiredResources): {
  observed: ReadonlyMap<ResourceKey, Resource>;
  required: RequiredResources;
} {
  const observed = [...found].filter(([name]) => isOfDependent(name)).flatMap(([, resources]) => resources);
  return {
    observed: new Map(observed.map((resource) => [keyOf(resource), resource])),
    required: new Map([...found].filter(([name]) => !isOfDependent(name))),
  };
}

function requirementOf({ apiVersion, kind, metadata }: JsonObject): [string, ResourceRequirement] {
  const { name } = metadata as { name: string };
  const reference = { apiVersion: String(apiVersion), kind: String(kind), name: String(name) };
  return [
    `${prefix}${reference.kind}.${reference.apiVersion}/${reference.name}`,
    { ...reference, namespace: '', labels: {} },
  ];
}
