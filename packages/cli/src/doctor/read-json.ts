import type { JsonObject, JsonValue } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';

/** Returns an object, or an empty one for any other value. */
export function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** Returns the objects of a list. */
export function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** Returns the strings of a list. */
export function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** Returns the string fields of an object. */
export function textsIn(value: JsonValue | undefined): Record<string, string> {
  const texts = Object.entries(objectOf(value)).flatMap(([field, text]) =>
    typeof text === 'string' ? [[field, text] as const] : [],
  );
  return Object.fromEntries(texts);
}
