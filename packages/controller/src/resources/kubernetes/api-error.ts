import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';

/**
 * Reason why a request to the API server failed.
 *
 * - `NotFound`: 404, the object or its kind doesn't exist.
 * - `Conflict`: 409, the object has another UID or resource version.
 * - `Gone`: 410, the resource version is too old.
 * - `Invalid`: 400 or 422, the request doesn't fit the schema.
 * - `Forbidden`: 403, a right is missing.
 * - `Denied`: an admission webhook, a policy or a quota refuses the content.
 * - `TooLarge`: 413, or more than etcd stores in one object.
 * - `Unauthorized`: 401, the credentials aren't accepted.
 * - `Busy`: 429, the server is overloaded.
 * - `Failed`: another unsuccessful status code.
 * - `Unreachable`: there was no response, or no complete one in time.
 */
export type ApiErrorReason =
  | 'NotFound'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'Forbidden'
  | 'Denied'
  | 'TooLarge'
  | 'Unauthorized'
  | 'Busy'
  | 'Failed'
  | 'Unreachable';

/** Failed request to the API server. Never leaves the adapter. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: ApiErrorReason;
  /** HTTP status code; 0 when there was no response. */
  readonly code: number;
  /** Invalid fields, where the API server names them. */
  readonly causes: readonly StatusCause[];

  constructor(
    reason: ApiErrorReason,
    message: string,
    { code = 0, causes = [], cause }: { code?: number; causes?: readonly StatusCause[]; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.reason = reason;
    this.code = code;
    this.causes = causes;
  }
}

/** Cause in a `Status`. */
export interface StatusCause {
  field: string;
  message: string;
}

/** Returns the error for an unsuccessful response. `body` is a `Status` object, or any other text. */
export function errorOfStatus(code: number, body: string | JsonObject): ApiError {
  const status = typeof body === 'string' ? parseStatus(body) : body;
  const { message, details } = status ?? {};
  const text = typeof body === 'string' ? body.slice(0, 500).trim() : '';
  const causes = isJsonObject(details) && Array.isArray(details.causes) ? details.causes.flatMap(readCause) : [];
  const explanation = typeof message === 'string' && message ? message : text || 'no reason given';
  return new ApiError(reasonOf(code, explanation, causes), explanation, { code, causes });
}

/** Returns the error for a request without a complete response. */
export function errorOfConnection(error: unknown): ApiError {
  const { message, code } = error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) };
  const text = message || code || 'the connection failed';
  return new ApiError('Unreachable', text, { cause: error });
}

function reasonOf(code: number, message: string, causes: readonly StatusCause[]): ApiErrorReason {
  // A resource version of the future: etcd was restored from an older state.
  if (causes.some((cause) => cause.message === 'Too large resource version')) return 'Gone';
  // A server-side apply of a field that isn't in the schema fails with the code 500.
  if (message.startsWith('failed to create typed patch object')) return 'Invalid';
  if (code === 413 || tooLarge.test(message)) return 'TooLarge';
  if (isDenial(code, message)) return 'Denied';
  switch (code) {
    case 400:
    case 422:
      return 'Invalid';
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 409:
      return 'Conflict';
    case 410:
      return 'Gone';
    case 429:
      return 'Busy';
    default:
      return 'Failed';
  }
}

/** Messages about an object that is larger than etcd accepts, for which the API server returns 500. */
const tooLarge = /etcdserver: request is too large|trying to send message larger than max/;

/** Reports whether admission refused a request. A missing right has the same code, but names the user and the verb. */
function isDenial(code: number, message: string): boolean {
  if (code === 403 && / is forbidden: /.test(message)) return !/ cannot \w+ (resource|path) /.test(message);
  return [400, 403, 422].includes(code) && /\bdenied (the )?request\b/.test(message);
}

function parseStatus(body: string): JsonObject | undefined {
  try {
    const value: JsonValue = JSON.parse(body);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // A proxy or a server that is starting responds with text, which is shown as it is.
    return undefined;
  }
}

function readCause(cause: JsonValue): StatusCause[] {
  if (!isJsonObject(cause)) return [];
  const { field, message } = cause;
  return [{ field: typeof field === 'string' ? field : '', message: typeof message === 'string' ? message : '' }];
}
