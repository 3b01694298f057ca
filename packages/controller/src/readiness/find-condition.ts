import { isJsonObject } from '../resources/json.ts';
import type { JsonObject, JsonValue } from '../resources/resource.ts';

/** Condition of any controller. Not all of them set a time, a reason and a message, as Kubernetes recommends. */
export interface ForeignCondition {
  status: string;
  /** Empty if there is none. */
  reason: string;
  /** Empty if there is none. */
  message: string;
}

/** Returns one condition of a status that any controller wrote. */
export function findCondition(status: JsonObject | undefined, type: string): ForeignCondition | undefined {
  const conditions = Array.isArray(status?.conditions) ? status.conditions : [];
  const found = conditions.filter(isJsonObject).find((condition) => condition.type === type);
  if (typeof found?.status !== 'string') return undefined;
  return { status: found.status, reason: textOf(found.reason), message: textOf(found.message) };
}

/** Returns a text; empty if it is none. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
