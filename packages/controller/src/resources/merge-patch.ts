import { isJsonObject } from './json.ts';
import type { JsonObject } from './resource.ts';

/** Applies a JSON merge patch (RFC 7386): `null` removes a field, objects are merged, other values replace. */
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
