import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';

/**
 * What an API server's refusal, or its silence, means for the one who asked.
 *
 * - `NotFound`: 404, the object or its kind isn't there.
 * - `Conflict`: 409, the object is another one, or another version, than was meant.
 * - `Gone`: 410, the version to go on from is too old.
 * - `Invalid`: 400 or 422, what was sent doesn't fit the schema.
 * - `Forbidden`: 403, a right is missing.
 * - `Unauthorized`: 401, the credentials aren't accepted.
 * - `Busy`: 429, or 503 with a time to come back.
 * - `Failed`: any other answer that isn't a success.
 * - `Unreachable`: there was no answer, or not a whole one in time.
 */
export type ApiErrorReason =
  | 'NotFound'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'Forbidden'
  | 'Unauthorized'
  | 'Busy'
  | 'Failed'
  | 'Unreachable';

/** A request to the API server that didn't succeed. Stays inside the adapter. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: ApiErrorReason;
  /** The HTTP status code; 0 when there was no answer. */
  readonly code: number;
  /** What is wrong with which field, where the API server says so. */
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

/** One of the causes in a `Status`. */
export interface StatusCause {
  field: string;
  message: string;
}

/** The error that an answer stands for. `body` is a `Status` object, or what else was sent. */
export function errorOfStatus(code: number, body: string | JsonObject): ApiError {
  const status = typeof body === 'string' ? parseStatus(body) : body;
  const { message, details } = status ?? {};
  const text = typeof body === 'string' ? body.slice(0, 500).trim() : '';
  const causes = isJsonObject(details) && Array.isArray(details.causes) ? details.causes.flatMap(readCause) : [];
  const said = typeof message === 'string' && message ? message : text || 'no reason was given';
  return new ApiError(reasonOf(code, said, causes), said, { code, causes });
}

/** What came of a request that had no whole answer. */
export function errorOfConnection(error: unknown): ApiError {
  const { message, code } = error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) };
  const text = message || code || 'the connection failed';
  return new ApiError('Unreachable', text, { cause: error });
}

function reasonOf(code: number, message: string, causes: readonly StatusCause[]): ApiErrorReason {
  // A version that the server hasn't seen: etcd was restored from an older state.
  if (causes.some((cause) => cause.message === 'Too large resource version')) return 'Gone';
  // So a server-side apply of something that the schema doesn't have is refused, with the code 500.
  if (message.startsWith('failed to create typed patch object')) return 'Invalid';
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

function parseStatus(body: string): JsonObject | undefined {
  try {
    const value: JsonValue = JSON.parse(body);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // A proxy on the way, or a server that is starting, answers with text; that is shown as it is.
    return undefined;
  }
}

function readCause(cause: JsonValue): StatusCause[] {
  if (!isJsonObject(cause)) return [];
  const { field, message } = cause;
  return [{ field: typeof field === 'string' ? field : '', message: typeof message === 'string' ? message : '' }];
}
