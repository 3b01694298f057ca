import { isJsonObject } from '../../resources/json.ts';
import type { JsonObject, JsonValue } from '../../resources/resource.ts';
import { isInDomain, kplugDomain, kubernetesDomains } from '../rights-granting-kinds.ts';
import { findObjects, join } from './walk-json.ts';

/** Metadata that a plugin must not set: never, or only where the delegation allows privileges. */
export interface ReservedMetadata {
  path: string;
  isAllowable: boolean;
}

/** Prefix of the recommended labels, which everyone sets. */
const commonPrefix = 'app.kubernetes.io';

/** Fields of the metadata in templates that controllers copy to the objects that they make. */
const copiedFields = ['finalizers', 'ownerReferences'];

/**
 * Finds labels and annotations with a prefix of Kplug or Kubernetes, in the metadata of a manifest and of the templates within it, and
 * finalizers and owners in templates.
 */
export function findReservedMetadata(manifest: JsonObject): ReservedMetadata[] {
  return findObjects(manifest, (_, field) => field === 'metadata').flatMap(({ path, object }) => {
    const copied = copiedFields.filter((field) => field in object);
    const reserved = ['labels', 'annotations'].flatMap((field) => reservedKeys(object[field], field));
    return [...copied.map((field) => ({ path: field, isAllowable: false })), ...reserved].map((one) => {
      return { ...one, path: join(path, one.path) };
    });
  });
}

/** Returns the labels or annotations with a reserved prefix. */
function reservedKeys(marks: JsonValue | undefined, field: string): ReservedMetadata[] {
  return Object.keys(isJsonObject(marks) ? marks : {}).flatMap((key) => {
    const domain = key.slice(0, Math.max(key.indexOf('/'), 0)).toLowerCase();
    const isOfKplug = isInDomain(domain, kplugDomain);
    const isReserved =
      isOfKplug || (domain !== commonPrefix && kubernetesDomains.some((one) => isInDomain(domain, one)));
    return isReserved ? [{ path: `${field}.${key}`, isAllowable: !isOfKplug }] : [];
  });
}
