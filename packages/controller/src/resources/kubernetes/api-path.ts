import { groupOf } from '../resource.ts';
import type { ServedKind } from './discovery.ts';

/** Returns the path of all objects of a kind, or of those in one namespace. */
export function collectionPath({ apiVersion, plural, namespaced }: ServedKind, namespace: string | undefined): string {
  const root = `${groupOf(apiVersion) ? '/apis' : '/api'}/${apiVersion}`;
  return namespace && namespaced
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${root}/${plural}`;
}

/** Returns the path of an object. */
export function objectPath(served: ServedKind, namespace: string, name: string): string {
  return `${collectionPath(served, namespace)}/${encodeURIComponent(name)}`;
}
