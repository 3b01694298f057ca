import { formatKey, type ResourceKey } from '@kplug/controller';

/** Kind of the delegated resources. */
export const tables = { apiVersion: 'example.org/v1', kind: 'Table' };

/** Kind of their extensions. */
export const options = { apiVersion: 'example.org/v1', kind: 'Options' };

/** Kind of their dependents. */
export const views = { apiVersion: 'example.org/v1', kind: 'View' };

/** Name of the delegation. */
export const delegation = 'tables';

/** Plugin API of the delegation. */
export const api = 'Table';

const namespace = 'default';

export function tableKey(name: string): ResourceKey {
  return formatKey({ ...tables, namespace, name });
}

export function optionsKey(name: string): ResourceKey {
  return formatKey({ ...options, namespace, name });
}

export function viewKey(name: string): ResourceKey {
  return formatKey({ ...views, namespace, name });
}

/** Spec of a table. */
export interface TableSpec {
  rows: number;
  /** Number of dependents that plugins request. */
  views: number;
  preferredImplementation?: string;
  extensions?: { apiVersion: string; kind: string; name: string }[];
}

/** Returns a manifest of a table. */
export function tableManifest(name: string, spec: TableSpec, labels: Record<string, string> = {}) {
  return { ...tables, metadata: { name, namespace, labels }, spec: { ...spec } };
}

/** Returns a manifest of an extension. */
export function optionsManifest(name: string, size: number) {
  return { ...options, metadata: { name, namespace }, spec: { size } };
}
