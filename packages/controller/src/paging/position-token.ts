import { formatPageToken, parsePageToken } from './page-request.ts';

/** Formats a position in a list that only grows as an opaque token. @param origin identifier of the process whose list it is. */
export function formatPosition(position: number, origin: string): string {
  return formatPageToken([origin, String(position)]);
}

/** Returns the position of a token: 0 for no token and for one of another process, `undefined` for a malformed one. */
export function readPosition(token: string, origin: string): number | undefined {
  if (!token) return 0;
  const [of, text = ''] = parsePageToken(token, 2) ?? [];
  if (of === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return of === origin ? Number(text) : 0;
}
