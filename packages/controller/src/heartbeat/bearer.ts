import type { Metadata } from '@grpc/grpc-js';

/** Returns the token of `authorization: Bearer TOKEN`, if any. Any other content counts as an unknown token. */
export function bearerOf(metadata: Metadata): string | undefined {
  const [value] = metadata.get('authorization');
  if (value === undefined) return undefined;
  const text = String(value);
  return /^bearer\s+(\S+)\s*$/i.exec(text)?.[1] ?? text;
}
