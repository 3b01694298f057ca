import { parseJson } from '@kplug/protocol';
import { isJsonObject, jsonEquals } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';

/**
 * Prefix of the annotations with statuses. A kind without a status, such as ConfigMap, has the status of a field manager `kplug/NAME` in
 * the annotation `status.kplug.dev/NAME`, as JSON.
 */
const prefix = 'status.kplug.dev/';

/** Statuses in the annotations of a resource, by field manager. */
export type AnnotationStatuses = ReadonlyMap<string, JsonObject>;

const noStatuses: AnnotationStatuses = new Map();

/** Returns the name of the annotation with a field manager's status. */
export function statusAnnotationOf(fieldManager: string): string {
  return prefix + fieldManager.replace(/^kplug\//, '');
}

/** Splits annotations into statuses and others. An invalid status stays among the others. */
export function readStatusAnnotations(annotations: JsonObject | undefined): {
  statuses: AnnotationStatuses;
  others: JsonObject | undefined;
} {
  if (!annotations || !Object.keys(annotations).some((name) => name.startsWith(prefix))) {
    return { statuses: noStatuses, others: annotations };
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

/** Reports whether the status of a field manager has changed or is gone. */
export function haveStatusesChanged(before: AnnotationStatuses, now: AnnotationStatuses): boolean {
  for (const [manager, status] of before) {
    const current = now.get(manager);
    if (!current || !jsonEquals(status, current)) return true;
  }
  return false;
}

function parse(text: JsonValue | undefined): JsonObject | undefined {
  try {
    const value: unknown = parseJson(String(text));
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Another client wrote it; the next status replaces it.
    return undefined;
  }
}
