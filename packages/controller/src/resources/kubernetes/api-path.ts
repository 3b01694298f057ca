import { groupOf } from '../resource.ts';
import type { ServedKind } from './discovery.ts';

/** Where the objects of a kind are listed: all of them, or those of one namespace. */
export function collectionPath({ apiVersion, plural, namespaced }: ServedKind, namespace: string | undefined): string {
  const root = `${groupOf(apiVersion) ? '/apis' : '/api'}/${apiVersion}`;
  return namespace && namespaced
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${root}/${plural}`;
}

/** Where one object is. */
export function objectPath(served: ServedKind, namespace: string, name: string): string {
  return `${collectionPath(served, namespace)}/${encodeURIComponent(name)}`;
}
