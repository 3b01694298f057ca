import { isJsonObject } from '../../resources/json.ts';
import type { JsonObject, JsonValue } from '../../resources/resource.ts';

/** Object within a value, with its path. */
export interface FoundObject {
  /** Path for people, such as `spec.template.spec`; empty for the value itself. */
  path: string;
  object: JsonObject;
}

/** Returns all objects within an object, at all depths, itself included. Takes one step for each object, list and field. */
export function objectsIn(root: JsonObject): FoundObject[] {
  const found: FoundObject[] = [];
  const pending: { path: string; value: JsonObject | JsonValue[] }[] = [{ path: '', value: root }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, value } = next;
    const isList = Array.isArray(value);
    if (!isList) found.push({ path, object: value });
    for (const [field, inner] of Object.entries(value)) {
      if (typeof inner !== 'object' || inner === null) continue;
      pending.push({ path: isList ? `${path}[${field}]` : join(path, field), value: inner });
    }
  }
  return found;
}

/** Appends a field to a path. */
export function join(path: string, field: string): string {
  return path ? `${path}.${field}` : field;
}

/** Returns a value within an object; `undefined` when there is none. */
export function valueAt(object: JsonObject, ...fields: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = object;
  for (const field of fields) value = isJsonObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
  return value;
}
