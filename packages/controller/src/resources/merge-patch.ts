import { isJsonObject } from './json.ts';
import type { JsonObject } from './resource.ts';

/** Merges changes into a JSON object (RFC 7386): `null` removes a field, objects are merged, anything else replaces. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = { ...target };
  for (const [field, change] of Object.entries(patch)) {
    const former = merged[field];
    if (change === null) delete merged[field];
    else if (isJsonObject(change)) merged[field] = mergePatch(isJsonObject(former) ? former : {}, change);
    else merged[field] = change;
  }
  return merged;
}
