import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';
import { type FieldTree, readStep, stepsOf } from './owned-fields.ts';

/** Returns the part of a status that a field manager owns. */
export function ownedStatus(status: JsonObject | undefined, fields: FieldTree | undefined): JsonObject {
  return status && fields ? partOf(status, fields) : {};
}

function partOf(live: JsonObject, fields: FieldTree): JsonObject {
  const part: JsonObject = {};
  for (const step of stepsOf(fields)) {
    const inner = fields[step];
    const value = step.startsWith('f:') ? live[step.slice(2)] : undefined;
    if (inner && value !== undefined) part[step.slice(2)] = ownedValue(value, inner);
  }
  return part;
}

function ownedValue(live: JsonValue, fields: FieldTree): JsonValue {
  const steps = stepsOf(fields);
  if (steps.length === 0) return live;
  if (isJsonObject(live)) return partOf(live, fields);
  if (!Array.isArray(live)) return live;
  return steps.flatMap((step) => {
    const inner = fields[step];
    const item = live.find(readStep(step));
    return inner && item !== undefined ? [ownedValue(item, inner)] : [];
  });
}
