import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';

/**
 * The status of a resource: what all its writers say together, the one that wrote last coming last. Objects are merged field
 * by field and `conditions` by their type; of anything else the last writer's counts. `undefined` when nobody says anything.
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

/** Sorted by type, so that their order doesn't depend on who wrote last. */
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

/** The conditions of a status, unless that field holds something else. */
function conditionsOf({ conditions }: JsonObject): Condition[] | undefined {
  return Array.isArray(conditions) && conditions.every(isCondition) ? conditions : undefined;
}

function isCondition(value: JsonValue): value is Condition {
  const { type } = isJsonObject(value) ? value : {};
  return typeof type === 'string';
}
