import type { JsonObject, JsonValue } from '@kplug/controller';

/** An object, or an empty one in place of anything else. */
export function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** The objects in a list. */
export function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The texts in a list. */
export function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** The fields of an object that are texts. */
export function textsIn(value: JsonValue | undefined): Record<string, string> {
  const texts = Object.entries(objectOf(value)).flatMap(([field, text]) =>
    typeof text === 'string' ? [[field, text] as const] : [],
  );
  return Object.fromEntries(texts);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
