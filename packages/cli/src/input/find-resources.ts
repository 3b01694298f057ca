import { groupOf, type Resource } from '@kplug/controller';
import { isKindNamed } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';

/** Resources to find. */
export interface ResourceQuery {
  kind: string;
  /** Missing for all resources of the kind. */
  name: string | undefined;
  /** Missing for all namespaces. */
  namespace: string | undefined;
  /** Description of the source, for messages. */
  place: string;
  /** True if the kind exists even if it has no resource. */
  isServed?: boolean;
}

/** Resources that a query found. */
export interface FoundResources {
  resources: Resource[];
  /** Number of resources of the kind in other namespaces. */
  elsewhere: number;
}

/** Finds resources by kind, namespace and name. Throws a `CommandError` when the kind or the name does not exist. */
export function findResources(all: readonly Resource[], query: ResourceQuery): FoundResources {
  const ofKind = all.filter((resource) => isKindNamed(resource, query.kind));
  if (ofKind.length === 0 && !query.isServed) throw noSuchKind(all, query);
  const groups = new Set(ofKind.map(({ apiVersion }) => groupOf(apiVersion)));
  if (groups.size > 1) throw severalGroups(ofKind, query);
  const inNamespace = ofKind.filter(({ metadata }) => isIn(metadata.namespace, query.namespace));
  const found = inNamespace.filter(({ metadata }) => query.name === undefined || metadata.name === query.name);
  if (found.length === 0 && query.name !== undefined) throw noSuchName(ofKind, query);
  return { resources: found.sort(byPlace), elsewhere: ofKind.length - inNamespace.length };
}

/** Reports whether a namespace is the wanted one. Cluster-scoped resources are in all. */
function isIn(namespace: string | undefined, wanted: string | undefined): boolean {
  return wanted === undefined || namespace === undefined || namespace === wanted;
}

function noSuchKind(all: readonly Resource[], { kind, place }: ResourceQuery): CommandError {
  const kinds = [...new Set(all.map((resource) => resource.kind))].sort();
  const existing = kinds.length > 0 ? `it has ${kinds.join(', ')}` : 'it has no resources';
  return new CommandError('notFound', `no resource of kind ${kind} in ${place}; ${existing}`);
}

function severalGroups(ofKind: readonly Resource[], { kind }: ResourceQuery): CommandError {
  const names = new Set(ofKind.map((resource) => `${resource.kind}.${groupOf(resource.apiVersion)}`.toLowerCase()));
  return new CommandError('usage', `${kind} is ambiguous: ${[...names].sort().join(', ')}; give one of these`);
}

function noSuchName(ofKind: readonly Resource[], { kind, name, namespace, place }: ResourceQuery): CommandError {
  const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
  const others = ofKind.filter(({ metadata }) => metadata.name === name).map(({ metadata }) => metadata.namespace);
  const advice = others.length > 0 ? `; there is one in the namespace ${others.join(', ')}: add -n` : '';
  return new CommandError('notFound', `no ${kind} named ${name}${where} of ${place}${advice}`);
}

function byPlace({ metadata: a }: Resource, { metadata: b }: Resource): number {
  return (a.namespace ?? '').localeCompare(b.namespace ?? '') || a.name.localeCompare(b.name);
}
