import type { JsonObject } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';
import { objectOf, textsOf } from '../doctor/read-json.ts';

/** Merges schemas that hold together, as those of `allOf`. A keyword that several have is that of the last. */
export function mergeSchemas(parts: readonly JsonObject[]): JsonObject {
  const merged: JsonObject = {};
  for (const part of parts) {
    const required = [...new Set([...textsOf(merged.required), ...textsOf(part.required)])];
    const properties = mergeFields(merged, part);
    Object.assign(merged, part);
    if (Object.keys(properties).length > 0) merged.properties = properties;
    if (required.length > 0) merged.required = required;
  }
  return merged;
}

function mergeFields(first: JsonObject, second: JsonObject): JsonObject {
  const merged = { ...objectOf(first.properties) };
  for (const [name, field] of Object.entries(objectOf(second.properties))) {
    const known = merged[name];
    merged[name] = isJsonObject(known) && isJsonObject(field) ? mergeSchemas([known, field]) : (field ?? true);
  }
  return merged;
}
