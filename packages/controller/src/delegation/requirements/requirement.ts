import type { ResourceRequirement } from '../../clients/plugin-call.ts';
import { limits } from '../../limits/limits.ts';
import { cutText } from '../../resources/cut-text.ts';
import { describeReference, formatKey, keyOf, type Resource, type ResourceKind } from '../../resources/resource.ts';

/** Requirements of one plugin for a base, by their names. */
export type Requirements = ReadonlyMap<string, ResourceRequirement>;

/** Requirement that differs between two answers. */
export interface Difference {
  name: string;
  before: ResourceRequirement | undefined;
  after: ResourceRequirement | undefined;
}

const { maxRequirementDescriptionLength: maxDescriptionLength } = limits.delegation;

/** Describes a requirement for people: `ConfigMap default/plan (v1)`. */
export function describeRequirement(requirement: ResourceRequirement): string {
  const { apiVersion, kind, namespace, name, labels } = requirement;
  if (name) return cutText(`${describeReference(requirement)} (${apiVersion})`, maxDescriptionLength);
  const wanted = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  const where = namespace ? ` in the namespace ${namespace}` : '';
  return cutText(`${kind} (${apiVersion}) with ${wanted.join(', ')}${where}`, maxDescriptionLength);
}

/** Reports whether a requirement selects a resource. */
export function selects(requirement: ResourceRequirement, resource: Resource): boolean {
  const { apiVersion, kind, namespace, name, labels } = requirement;
  if (name) return formatKey({ apiVersion, kind, namespace, name }) === keyOf(resource);
  const { metadata } = resource;
  const isOfKind = resource.kind === kind && resource.apiVersion === apiVersion;
  return isOfKind && (metadata.namespace ?? '') === namespace && hasLabels(metadata.labels ?? {}, labels);
}

/** Finds the requirements that differ. */
export function findDifferences(before: Requirements, after: Requirements): Difference[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].sort().flatMap((name): Difference[] => {
    const [was, is] = [before.get(name), after.get(name)];
    return was && is && isSame(was, is) ? [] : [{ name, before: was, after: is }];
  });
}

/** Returns the reference by which bases with a requirement of a kind are indexed. */
export function kindReference({ apiVersion, kind }: ResourceKind): string {
  return formatKey({ apiVersion, kind, namespace: '', name: '' });
}

/** Returns the reference by which bases with a requirement are indexed: the key of a resource, or a label that those resources have. */
export function referenceOf({ apiVersion, kind, namespace, name, labels }: ResourceRequirement): string {
  if (name) return formatKey({ apiVersion, kind, namespace, name });
  const [label = '', value = ''] = Object.entries(labels).sort(byName)[0] ?? [];
  return labelReference({ apiVersion, kind, namespace, label, value });
}

/** Returns the references that may select a resource. */
export function referencesTo(resource: Resource): string[] {
  const { apiVersion, kind, metadata } = resource;
  const { namespace = '', labels = {} } = metadata;
  const selectors = Object.entries(labels).map(([label, value]) => {
    return labelReference({ apiVersion, kind, namespace, label, value });
  });
  return [keyOf(resource), ...selectors];
}

function labelReference({
  label,
  value,
  ...place
}: ResourceKind & { namespace: string; label: string; value: string }): string {
  return `${formatKey({ ...place, name: '' })}?${label}=${value}`;
}

function isSame(a: ResourceRequirement, b: ResourceRequirement): boolean {
  const isSamePlace = a.apiVersion === b.apiVersion && a.kind === b.kind && a.namespace === b.namespace;
  return isSamePlace && a.name === b.name && hasLabels(a.labels, b.labels) && hasLabels(b.labels, a.labels);
}

function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value);
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}
