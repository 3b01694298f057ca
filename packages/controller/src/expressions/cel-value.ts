import type { CelInput } from '@bufbuild/cel';

/** Converts JSON to a value for CEL. Whole numbers become `int`, as in the expressions of Kubernetes. */
export function celValueOf(value: unknown): CelInput {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(celValueOf);
  if (typeof value !== 'object') return value as string | bigint | boolean;
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  // A map, as an object would have the field `__proto__` as its prototype.
  return new Map(fields.map(([name, inner]) => [name, celValueOf(inner)]));
}
