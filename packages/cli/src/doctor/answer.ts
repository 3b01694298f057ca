import { Code, ConnectError } from '@connectrpc/connect';
import { KplugError } from '@kplug/controller';
import { CommandError } from '../command-error.ts';

/** What was asked for, or why it can't be had. */
export type Answer<T> =
  | { value: T; failure?: never; isForbidden?: never }
  | {
      value?: never;
      failure: string;
      /** Whether somebody is there, but doesn't answer to this user. */
      isForbidden: boolean;
    };

/** Waits for an answer. What a user can't mend by asking again, such as a malformed flag, rejects as before. */
export async function answerOf<T>(asked: Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await asked };
  } catch (error) {
    const isExpected =
      (error instanceof KplugError && error.code === 'StorageFailed') ||
      (error instanceof CommandError && error.failure !== 'usage');
    if (isExpected) return { failure: error.message, isForbidden: isForbidden(error) };
    throw error;
  }
}

/** Whether the API server refused to answer to this user. */
export function isForbidden(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {};
  if (cause instanceof ConnectError) return [Code.PermissionDenied, Code.Unauthenticated].includes(cause.code);
  return cause instanceof Error && 'reason' in cause && ['Forbidden', 'Unauthorized'].includes(String(cause.reason));
}
