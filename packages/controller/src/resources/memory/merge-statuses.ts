import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';

/**
 * Merges the statuses of several field managers, the last writer's last. Objects are merged field by field and `conditions` by their
 * type; of other values the last writer's counts. Returns `undefined` when there are none.
 */
export function mergeStatuses(statuses: Iterable<JsonObject>): JsonObject | undefined {
  let merged: JsonObject | undefined;
  for (const status of statuses) merged = merged === undefined ? status : mergeStatus(merged, status);
  return merged;
}

function mergeStatus(earlier: JsonObject, later: JsonObject): JsonObject {
  const merged = mergeObjects(earlier, later);
  const [former, latter] = [conditionsOf(earlier), conditionsOf(later)];
  return former && latter ? { ...merged, conditions: mergeConditions([...former, ...latter]) } : merged;
}

function mergeObjects(earlier: JsonObject, later: JsonObject): JsonObject {
  const merged = { ...earlier };
  for (const field in later) {
    const value = later[field];
    const former = merged[field];
    merged[field] = isJsonObject(former) && isJsonObject(value) ? mergeObjects(former, value) : value;
  }
  return merged;
}

/** Merges conditions, sorted by type so that their order doesn't depend on the last writer. */
function mergeConditions(conditions: readonly Condition[]): JsonValue[] {
  const byType = new Map<string, Condition>();
  for (const condition of conditions) {
    const former = byType.get(condition.type);
    byType.set(condition.type, former ? { ...mergeObjects(former, condition), type: condition.type } : condition);
  }
  return [...byType.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
}

interface Condition extends JsonObject {
  type: string;
}

/** Returns the conditions of a status; `undefined` when the field is missing or has another type. */
function conditionsOf({ conditions }: JsonObject): Condition[] | undefined {
  return Array.isArray(conditions) && conditions.every(isCondition) ? conditions : undefined;
}

function isCondition(value: JsonValue): value is Condition {
  const { type } = isJsonObject(value) ? value : {};
  return typeof type === 'string';
}
