import { KplugError } from '../errors.ts';
import { hasForbiddenKey } from '../resources/forbidden-keys.ts';
import { isJsonObject } from '../resources/json.ts';
import type { JsonObject } from '../resources/resource.ts';

/** Checks that a value returned by a plugin is usable as a status. Throws `InvalidResponse`. */
export function checkStatus(value: unknown, what: string, expected: 'a JSON object' | 'a YAML mapping'): JsonObject {
  if (!isJsonObject(value)) throw new KplugError('InvalidResponse', `${what} isn't ${expected}`);
  if (!hasForbiddenKey(value)) return value;
  const message = `${what} has a key that is not allowed (__proto__, constructor, prototype)`;
  throw new KplugError('InvalidResponse', message);
}
