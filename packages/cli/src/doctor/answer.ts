import { Code, ConnectError } from '@connectrpc/connect';
import { KplugError } from '@kplug/controller';
import { CommandError } from '../command-error.ts';

/** Value of a request, or the reason of its failure. */
export type Answer<T> =
  | { value: T; failure?: never; isForbidden?: never }
  | {
      value?: never;
      failure: string;
      /** True if the server denied the request to this user. */
      isForbidden: boolean;
    };

/** Waits for a request and returns its value or failure. Rejects for usage errors, such as a malformed flag. */
export async function answerOf<T>(request: Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await request };
  } catch (error) {
    const isExpected =
      (error instanceof KplugError && error.code === 'StorageFailed') ||
      (error instanceof CommandError && error.failure !== 'usage');
    if (isExpected) return { failure: error.message, isForbidden: isForbidden(error) };
    throw error;
  }
}

/** Reports whether the API server denied the request to this user. */
export function isForbidden(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {};
  if (cause instanceof ConnectError) return [Code.PermissionDenied, Code.Unauthenticated].includes(cause.code);
  return cause instanceof Error && 'reason' in cause && ['Forbidden', 'Unauthorized'].includes(String(cause.reason));
}
