import type { JsonValue } from '../resource.ts';

/** Reports whether a value lacks a part of an earlier one: a field, an item, or the end of a text. */
export function hasLess(now: JsonValue | undefined, before: JsonValue | undefined): boolean {
  if (now === before || before === undefined || before === null) return false;
  if (now === undefined || now === null) return true;
  if (typeof before === 'string') return typeof now !== 'string' || before.startsWith(now);
  if (typeof before !== 'object') return false;
  if (typeof now !== 'object') return true;
  if (Array.isArray(before)) {
    return !Array.isArray(now) || now.length < before.length || before.some((item, index) => hasLess(now[index], item));
  }
  if (Array.isArray(now)) return true;
  return Object.entries(before).some(([field, value]) => hasLess(now[field], value));
}
