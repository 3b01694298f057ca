import { isInt64 } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { isForbiddenKey } from './forbidden-keys.ts';
import type { JsonObject, JsonValue } from './resource.ts';

/** Fault of a value, with its path. */
export interface JsonFault {
  path: (string | number)[];
  message: string;
}

const { maxDepth, maxJsonSize: maxSize } = limits.resources;

/** Text that UTF-8 can't encode. A server would store another one. */
const loneSurrogate = 'has half of a surrogate pair, which is not a character';

/** Reports whether a value is a JSON object, neither an array nor `null`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the JSON objects in an array; none for any other value. */
export function jsonObjectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/**
 * Reports whether two JSON values are equal. The order of fields doesn't matter; `undefined` counts as missing. A `number`
 * equals the `bigint` that its JSON is parsed as, because the API server returns 1e18 as the integer 1000000000000000000.
 */
export function jsonEquals(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (typeof a === 'bigint') return typeof b === 'number' && isSameNumber(a, b);
  if (typeof b === 'bigint') return typeof a === 'number' && isSameNumber(b, a);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEquals(item, b[index]));
  }
  return !Array.isArray(b) && objectsEqual(a, b);
}

/** Copies a JSON value, without fields that are `undefined`. */
export function copyJson<T extends JsonValue>(value: T): T;
export function copyJson(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => copyJson(item));
  const copy = { ...value };
  for (const key in copy) {
    const inner = copy[key];
    if (inner === undefined) delete copy[key];
    else if (typeof inner === 'object') copy[key] = copyJson(inner);
  }
  return copy;
}

/**
 * Finds the reason why a value can't be stored as JSON: a value that JSON doesn't have, a text that isn't well-formed, a key that
 * could change a prototype, or a value that is too deep or too large. Returns `undefined` when there is none.
 */
export function findJsonFault(value: unknown): JsonFault | undefined {
  const fault = inspect(value, 0, { left: maxSize });
  fault?.path.reverse();
  return fault;
}

/** Formats a path for people: `spec.columns[2].name`. Long paths are shortened in the middle. */
export function formatPath(path: readonly (string | number)[]): string {
  const shown = path.length > 12 ? [...path.slice(0, 6), '…', ...path.slice(-3)] : path;
  return shown
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('');
}

function isSameNumber(a: bigint, b: number): boolean {
  return String(a) === String(b);
}

function objectsEqual(a: JsonObject, b: JsonObject): boolean {
  let surplus = 0;
  for (const key in a) {
    const value = a[key];
    if (value === undefined) continue;
    if (!jsonEquals(value, b[key])) return false;
    surplus -= 1;
  }
  for (const key in b) {
    if (b[key] !== undefined) surplus += 1;
  }
  return surplus === 0;
}

/** Finds a fault. Its path is in reverse order, as it is built while the recursion returns. */
function inspect(value: unknown, depth: number, budget: { left: number }): JsonFault | undefined {
  budget.left -= typeof value === 'string' ? value.length + 2 : 4;
  if (budget.left < 0) return { path: [], message: 'is larger than 4 MiB' };
  if (typeof value === 'object' && value !== null) {
    if (depth >= maxDepth) return { path: [], message: `is nested more than ${maxDepth} levels deep` };
    if (Array.isArray(value)) return inspectItems(value, depth, budget);
    return inspectFields(value, depth, budget);
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return { path: [], message: 'is not a finite number' };
  if (typeof value === 'string' && !value.isWellFormed()) return { path: [], message: loneSurrogate };
  if (typeof value === 'bigint' && !isInt64(value)) {
    return { path: [], message: 'is an integer that does not fit in 64 bits with a sign' };
  }
  return isScalar(value) ? undefined : { path: [], message: `is not a JSON value but a ${typeof value}` };
}

function isScalar(value: unknown): boolean {
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' || type === 'bigint' || value === null;
}

function inspectItems(items: unknown[], depth: number, budget: { left: number }): JsonFault | undefined {
  for (let index = 0; index < items.length; index += 1) {
    const fault = inspect(items[index], depth + 1, budget);
    if (fault) {
      fault.path.push(index);
      return fault;
    }
  }
  return undefined;
}

function inspectFields(object: object, depth: number, budget: { left: number }): JsonFault | undefined {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) return { path: [], message: 'is not a plain object' };
  for (const key in object) {
    const value: unknown = (object as Record<string, unknown>)[key];
    if (value === undefined) continue;
    budget.left -= key.length;
    const fault = faultOfKey(key) ?? inspect(value, depth + 1, budget);
    if (fault) {
      fault.path.push(key);
      return fault;
    }
  }
  return undefined;
}

function faultOfKey(key: string): JsonFault | undefined {
  if (isForbiddenKey(key)) return { path: [], message: 'is a key that is not allowed' };
  return key.isWellFormed() ? undefined : { path: [], message: loneSurrogate };
}
