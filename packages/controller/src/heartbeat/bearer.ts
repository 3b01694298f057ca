import type { Metadata } from '@grpc/grpc-js';

/** The token that a caller brings as `authorization: Bearer TOKEN`; whatever else stands there is a token that nobody knows. */
export function bearerOf(metadata: Metadata): string | undefined {
  const [value] = metadata.get('authorization');
  if (value === undefined) return undefined;
  const text = String(value);
  return /^bearer\s+(\S+)\s*$/i.exec(text)?.[1] ?? text;
}
