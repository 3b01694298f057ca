import { groupOf, isKindNamed, type Resource } from '@kplug/controller';
import { CommandError } from '../command-error.ts';

/** Which resources are meant. */
export interface ResourceQuery {
  kind: string;
  /** Missing: all of the kind. */
  name: string | undefined;
  /** Missing: every namespace. */
  namespace: string | undefined;
  /** Where they were looked for; for people. */
  place: string;
  /** Whether the kind is there although no resource is of it. */
  isServed?: boolean;
}

/** What a query found. Without a name it may be nothing, while other namespaces have some. */
export interface FoundResources {
  resources: Resource[];
  elsewhere: number;
}

/** Finds resources, by namespace and name. Throws a `CommandError` when the kind or the name isn't there. */
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

function isIn(namespace: string | undefined, wanted: string | undefined): boolean {
  return wanted === undefined || (namespace ?? '') === wanted;
}

function noSuchKind(all: readonly Resource[], { kind, place }: ResourceQuery): CommandError {
  const kinds = [...new Set(all.map((resource) => resource.kind))].sort();
  const there = kinds.length > 0 ? `there are ${kinds.join(', ')}` : 'there are no resources in it';
  return new CommandError('notFound', `no resource in ${place} is of the kind ${kind}; ${there}`);
}

function severalGroups(ofKind: readonly Resource[], { kind }: ResourceQuery): CommandError {
  const names = new Set(ofKind.map((resource) => `${resource.kind}.${groupOf(resource.apiVersion)}`.toLowerCase()));
  return new CommandError('usage', `${kind} may mean any of ${[...names].sort().join(', ')}; name one of these`);
}

function noSuchName(ofKind: readonly Resource[], { kind, name, namespace, place }: ResourceQuery): CommandError {
  const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
  const others = ofKind.filter(({ metadata }) => metadata.name === name).map(({ metadata }) => metadata.namespace);
  const advice = others.length > 0 ? `; there is one in ${others.join(', ')}: add -n` : '';
  return new CommandError('notFound', `no ${kind} is named ${name}${where} of ${place}${advice}`);
}

function byPlace({ metadata: a }: Resource, { metadata: b }: Resource): number {
  return (a.namespace ?? '').localeCompare(b.namespace ?? '') || a.name.localeCompare(b.name);
}
