import type { JsonObject, JsonValue } from '../resources/resource.ts';

/** A value that should be a list; an empty one if it isn't. */
export function asArray(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** A value that should be an object; an empty one if it isn't. */
export function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
