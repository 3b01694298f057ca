import { isJsonObject, jsonEquals } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';

/** Where a field manager `kplug/NAME` keeps its status of a kind that has none, such as ConfigMap: an annotation, as JSON. */
const prefix = 'status.kplug.dev/';

/** What each of our field managers says of a resource in an annotation. */
export type AnnotationStatuses = ReadonlyMap<string, JsonObject>;

const nobody: AnnotationStatuses = new Map();

/** The annotation of a field manager. */
export function noteOf(fieldManager: string): string {
  return prefix + fieldManager.replace(/^kplug\//, '');
}

/** Splits annotations into the statuses that are noted there and the others. One that can't be read is left with the others. */
export function readNotes(annotations: JsonObject | undefined): {
  statuses: AnnotationStatuses;
  others: JsonObject | undefined;
} {
  if (!annotations || !Object.keys(annotations).some((name) => name.startsWith(prefix))) {
    return { statuses: nobody, others: annotations };
  }
  const statuses = new Map<string, JsonObject>();
  const others: JsonObject = {};
  for (const [name, value] of Object.entries(annotations)) {
    const status = name.startsWith(prefix) ? parse(value) : undefined;
    if (status) statuses.set(`kplug/${name.slice(prefix.length)}`, status);
    else others[name] = value;
  }
  return { statuses, others: Object.keys(others).length > 0 ? others : undefined };
}

/** Whether some manager's note isn't what it was. */
export function areNotesChanged(before: AnnotationStatuses, now: AnnotationStatuses): boolean {
  for (const [manager, status] of before) {
    const current = now.get(manager);
    if (!current || !jsonEquals(status, current)) return true;
  }
  return false;
}

function parse(text: JsonValue | undefined): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Somebody else wrote it; it is written anew with the next status.
    return undefined;
  }
}
