import { createHash } from 'node:crypto';
import { limits } from './limits.ts';
import type { Metadata } from './plugin.ts';

const { nameHashLength: hashLength, maxNameLength } = limits.dependents;

/**
 * Returns a name for a dependent, made of the name of its base and a suffix: `users-db`. A longer one is shortened and ends with a hash of
 * the whole name, so that it stays unique and the same: `a-very-long-name…-3f2a9c01`. Throws `RangeError` if `maxLength` is too small.
 *
 * @param suffix lower case letters, digits and `-`, such as `db`.
 * @param maxLength in characters. Default 63, which Services, StatefulSets and labels allow; other kinds allow 253.
 */
export function nameFrom(
  base: { metadata: Pick<Metadata, 'name'> },
  suffix: string,
  maxLength = maxNameLength,
): string {
  if (maxLength <= hashLength + 1)
    throw new RangeError(`a name of ${maxLength} characters is too short; allow at least 10`);
  const name = `${base.metadata.name}-${suffix}`;
  if (name.length <= maxLength) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, hashLength);
  // A name must not have a dot or a dash before another one.
  const start = name.slice(0, maxLength - hashLength - 1).replace(/[-.]+$/, '');
  return `${start}-${hash}`;
}
