import { KplugError } from '../errors.ts';
import { findJsonFault, formatPath, isJsonObject } from '../resources/json.ts';
import type { JsonObject } from '../resources/resource.ts';

/** Checks that a value returned by a plugin can be stored as an object. Throws `InvalidResponse`. */
export function checkStatus(value: unknown, what: string, expected: 'a JSON object' | 'a YAML mapping'): JsonObject {
  if (!isJsonObject(value)) throw new KplugError('InvalidResponse', `${what} isn't ${expected}`);
  const fault = findJsonFault(value);
  if (!fault) return value;
  throw new KplugError(
    'InvalidResponse',
    `${what} can't be stored: ${formatPath(fault.path) || 'it'} ${fault.message}`,
  );
}
