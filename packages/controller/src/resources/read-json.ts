import { isJsonObject } from '../resources/json.ts';
import type { JsonObject, JsonValue } from './resource.ts';

/** Returns a value that should be a list; an empty list for any other value. */
export function asArray(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** Returns a value that should be an object; an empty object for any other value. */
export function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** Reads the texts of an object. Other values are left out. */
export function readStrings(value: JsonValue | undefined): Record<string, string> {
  const entries = Object.entries(asObject(value)).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(entries) as Record<string, string>;
}
