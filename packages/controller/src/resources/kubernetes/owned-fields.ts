import { formatJson, parseJson } from '@kplug/protocol';
import { limits } from '../../limits/limits.ts';
import { isJsonObject, jsonEquals } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';

/**
 * Fields of a status that a field manager owns, as in `fieldsV1`: paths without values. The manager owns the whole value at a leaf. Steps
 * to fields begin with `f:`, steps to items of a list with `k:` and their keys in JSON, or with `v:` and their value.
 */
export interface FieldTree {
  readonly [step: string]: FieldTree;
}

/** Fields of a status that our field managers own, by manager. */
export type OwnedFields = ReadonlyMap<string, FieldTree>;

/** Prefix of our field managers. The fields of others are dropped, to save memory. */
const ownPrefix = 'kplug/';

/** Maximum number of shared sets of fields. All are dropped above it; sets in use are shared again. */
const maxShared = limits.kubernetes.maxSharedFieldSets;

const shared = new Map<string, OwnedFields>();
const noOwnedFields: OwnedFields = new Map();

/** Reads the status fields of our managers from `metadata.managedFields`. Resources with equal fields share one object. */
export function readOwnedFields(managedFields: JsonValue | undefined): OwnedFields {
  if (!Array.isArray(managedFields)) return noOwnedFields;
  const entries = managedFields.filter(isOwnStatusEntry);
  if (entries.length === 0) return noOwnedFields;
  const text = formatJson(entries.map(({ manager, fieldsV1 }) => [manager, fieldsV1['f:status']]));
  const known = shared.get(text);
  if (known) return known;
  const owned = new Map(entries.map(({ manager, fieldsV1 }) => [manager, fieldsV1['f:status']]));
  if (shared.size >= maxShared) shared.clear();
  shared.set(text, owned);
  return owned;
}

/** Reports whether applying a status would change nothing: the manager owns exactly its fields, and they have its values. */
export function isApplied(applied: JsonObject, status: JsonObject | undefined, fields: FieldTree | undefined): boolean {
  return areFieldsApplied(applied, status ?? {}, fields ?? {});
}

/** Reports whether one of our managers owns less than before, as another one took fields from it. */
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

function isValueApplied(applied: JsonValue | undefined, live: JsonValue | undefined, fields: FieldTree): boolean {
  const steps = stepsOf(fields);
  if (steps.length === 0) return isEmpty(applied) ? typeof live === typeof applied : jsonEquals(applied, live);
  if (isJsonObject(applied)) return isJsonObject(live) && areFieldsApplied(applied, live, fields);
  if (Array.isArray(applied)) return Array.isArray(live) && areItemsApplied(applied, live, fields, steps);
  return false;
}

/** Returns the steps of a tree, without `.`, which stands for the value itself. */
export function stepsOf(fields: FieldTree): string[] {
  return Object.keys(fields).filter((step) => step !== '.');
}

function areFieldsApplied(applied: JsonObject, live: JsonObject, fields: FieldTree): boolean {
  let count = 0;
  for (const field in applied) {
    const value = applied[field];
    if (value === undefined) continue;
    const inner = fields[`f:${field}`];
    if (inner) count += 1;
    // An empty list or mapping has no owner.
    const isEqual = inner
      ? isValueApplied(value, live[field], inner)
      : isEmpty(value) && jsonEquals(value, live[field]);
    if (!isEqual) return false;
  }
  return count === stepsOf(fields).length;
}

function areItemsApplied(
  applied: JsonValue[],
  live: JsonValue[],
  fields: FieldTree,
  steps: readonly string[],
): boolean {
  if (applied.length !== steps.length) return false;
  return steps.every((step) => {
    const isMatch = readStep(step);
    const inner = fields[step];
    const [item, current] = [applied.find(isMatch), live.find(isMatch)];
    return inner !== undefined && item !== undefined && current !== undefined && isValueApplied(item, current, inner);
  });
}

/** Returns a predicate for the item of a list that a step leads to. */
export function readStep(step: string): (item: JsonValue) => boolean {
  const wanted = parseJson(step.slice(2)) as JsonValue;
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
