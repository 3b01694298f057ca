import { isJsonObject, jsonEquals } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';

/**
 * What one field manager says in a status, as the API server keeps it: the fields and no values. A path that ends is said as
 * a whole. Fields begin with `f:`, items of a list with `k:` and their keys in JSON, or with `v:` and their value.
 */
export interface FieldTree {
  readonly [step: string]: FieldTree;
}

/** What each of our field managers says in the status of one resource. */
export type OwnedFields = ReadonlyMap<string, FieldTree>;

/** Managers whose fields are kept in mind. Those of others are only a burden. */
const ownPrefix = 'kplug/';

/** How many different sets of fields are shared before those that aren't used any more are let go. */
const mostShared = 4_096;

const shared = new Map<string, OwnedFields>();
const nobody: OwnedFields = new Map();

/** Reads what our managers say in a status from `metadata.managedFields`. Resources that say the same share one object. */
export function readOwnedFields(managedFields: JsonValue | undefined): OwnedFields {
  if (!Array.isArray(managedFields)) return nobody;
  const entries = managedFields.filter(isOwnStatusEntry);
  if (entries.length === 0) return nobody;
  const text = JSON.stringify(entries.map(({ manager, fieldsV1 }) => [manager, fieldsV1['f:status']]));
  const known = shared.get(text);
  if (known) return known;
  const owned = new Map(entries.map(({ manager, fieldsV1 }) => [manager, fieldsV1['f:status']]));
  if (shared.size >= mostShared) shared.clear();
  shared.set(text, owned);
  return owned;
}

/** Whether saying `said` would change nothing: the manager says just these fields already, and they have these values. */
export function isApplied(said: JsonObject, status: JsonObject | undefined, fields: FieldTree | undefined): boolean {
  return fieldsHold(said, status ?? {}, fields ?? {});
}

/** Whether some manager says less than it did: another one took fields from it. */
export function lostOwnership(before: OwnedFields, now: OwnedFields): boolean {
  if (before === now) return false;
  for (const [manager, fields] of before) {
    if (!covers(now.get(manager) ?? {}, fields)) return true;
  }
  return false;
}

function covers(now: FieldTree, before: FieldTree): boolean {
  return Object.entries(before).every(([step, inner]) => {
    const current = now[step];
    return current !== undefined && covers(current, inner);
  });
}

function holds(said: JsonValue | undefined, live: JsonValue | undefined, fields: FieldTree): boolean {
  const steps = stepsOf(fields);
  if (steps.length === 0) return isEmpty(said) ? typeof live === typeof said : jsonEquals(said, live);
  if (isJsonObject(said)) return isJsonObject(live) && fieldsHold(said, live, fields);
  if (Array.isArray(said)) return Array.isArray(live) && itemsHold(said, live, fields, steps);
  return false;
}

/** `.` says that the field itself is owned, which goes without saying. */
export function stepsOf(fields: FieldTree): string[] {
  return Object.keys(fields).filter((step) => step !== '.');
}

function fieldsHold(said: JsonObject, live: JsonObject, fields: FieldTree): boolean {
  let count = 0;
  for (const field in said) {
    const value = said[field];
    if (value === undefined) continue;
    const inner = fields[`f:${field}`];
    if (inner) count += 1;
    // Nobody owns a list or mapping in which nothing is.
    const isHeld = inner ? holds(value, live[field], inner) : isEmpty(value) && jsonEquals(value, live[field]);
    if (!isHeld) return false;
  }
  return count === stepsOf(fields).length;
}

function itemsHold(said: JsonValue[], live: JsonValue[], fields: FieldTree, steps: readonly string[]): boolean {
  if (said.length !== steps.length) return false;
  return steps.every((step) => {
    const isWanted = readStep(step);
    const inner = fields[step];
    const [item, current] = [said.find(isWanted), live.find(isWanted)];
    return inner !== undefined && item !== undefined && current !== undefined && holds(item, current, inner);
  });
}

/** Which item of a list a step leads to. */
export function readStep(step: string): (item: JsonValue) => boolean {
  const wanted: JsonValue = JSON.parse(step.slice(2));
  if (step.startsWith('v:')) return (item) => jsonEquals(item, wanted);
  if (!step.startsWith('k:') || !isJsonObject(wanted)) return () => false;
  const keys = Object.entries(wanted);
  return (item) => isJsonObject(item) && keys.every(([key, value]) => jsonEquals(item[key], value));
}

function isEmpty(value: JsonValue | undefined): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

interface OwnStatusEntry {
  manager: string;
  fieldsV1: { 'f:status': FieldTree };
}

function isOwnStatusEntry(entry: JsonValue): entry is JsonValue & OwnStatusEntry {
  if (!isJsonObject(entry) || entry.operation !== 'Apply' || entry.subresource !== 'status') return false;
  const { manager, fieldsV1 } = entry;
  return (
    typeof manager === 'string' && manager.startsWith(ownPrefix) && isJsonObject(fieldsV1) && 'f:status' in fieldsV1
  );
}
