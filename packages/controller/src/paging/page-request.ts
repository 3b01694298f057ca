import { limits } from '../limits/limits.ts';

const { pageSize: defaultSize, maxPageSize } = limits.admin;

/** Page of a list that a client requests. Its fields are those of the protocol. */
export interface PageRequest {
  /** Maximum number of items; 0 for the default. */
  pageSize: number;
  /** Token of the previous response; empty for the first page. */
  pageToken: string;
}

/** Returns the maximum number of items of a page. */
export function readPageSize({ pageSize }: PageRequest): number {
  return Math.min(pageSize || defaultSize, maxPageSize);
}

/** Formats a position in a list as an opaque token. */
export function formatPageToken(position: readonly string[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Reads a token. Returns `undefined` if it is malformed. */
export function parsePageToken(token: string, length: number): readonly string[] | undefined {
  try {
    const position: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    const isPosition = Array.isArray(position) && position.every((part) => typeof part === 'string');
    return isPosition && position.length === length ? position : undefined;
  } catch {
    return undefined;
  }
}

/** Message for a client whose token is malformed. */
export const malformedPageToken =
  'page_token is malformed; send the next_page_token of the previous response, or none for the first page';
