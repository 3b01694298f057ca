import { isJsonObject } from '../../resources/json.ts';
import type { JsonObject, JsonValue } from '../../resources/resource.ts';

/** Object within a value, with its path. */
export interface FoundObject {
  /** Path for people, such as `spec.template.spec`; empty for the value itself. */
  path: string;
  object: JsonObject;
}

/** Object or list within another one. */
interface Step {
  parent: Step | undefined;
  field: string;
  value: JsonObject | JsonValue[];
}

/**
 * Finds objects within an object, at all depths, itself included, by their field and content. Takes one step for each value, and makes
 * paths only of what it finds, as answers may have 100,000 objects.
 */
export function findObjects(root: JsonObject, isWanted: (object: JsonObject, field: string) => boolean): FoundObject[] {
  const found: FoundObject[] = [];
  const pending: Step[] = [{ parent: undefined, field: '', value: root }];
  for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
    const { value, field } = step;
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) addStep(pending, step, index, value[index]);
      continue;
    }
    if (isWanted(value, field)) found.push({ path: pathOf(step), object: value });
    for (const name in value) addStep(pending, step, name, value[name]);
  }
  return found;
}

function addStep(pending: Step[], parent: Step, field: string | number, value: JsonValue | undefined): void {
  if (typeof value === 'object' && value !== null) pending.push({ parent, field: String(field), value });
}

function pathOf({ parent, field }: Step): string {
  if (!parent) return '';
  return Array.isArray(parent.value) ? `${pathOf(parent)}[${field}]` : join(pathOf(parent), field);
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
