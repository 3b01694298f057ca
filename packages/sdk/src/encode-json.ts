import { formatJson } from '@kplug/protocol';

const encoder = new TextEncoder();

/** Encodes a status or a dependent. Throws `RangeError` for a number that would change on its way, and `TypeError` for what is not JSON. */
export function encodeJson(value: object): Uint8Array {
  const text = formatJson(value);
  // `JSON.stringify` writes such numbers as null.
  if (text.includes('null')) refuseNonFinite(value, '');
  return encoder.encode(text);
}

function refuseNonFinite(value: unknown, path: string): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new RangeError(`${path.slice(1)} is ${value}, which is not a number that JSON has`);
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) refuseNonFinite(inner, `${path}.${key}`);
}
