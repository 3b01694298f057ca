/** Longest text of a part. A link may come from anyone. */
const maxLength = 300;

/** Returns a part of the query of a URL, cut; empty if it isn't there. */
export function readPart(query: URLSearchParams, name: string): string {
  return (query.get(name) ?? '').slice(0, maxLength);
}

/** Writes parts as the query of a URL, without a question mark and without empty ones. */
export function formatParts(parts: Readonly<Record<string, string>>): string {
  return new URLSearchParams(Object.entries(parts).filter(([, value]) => value !== ''))
    .toString()
    .replaceAll('%2C', ',');
}
