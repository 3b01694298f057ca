import { KplugError, messageOf } from '../../errors.ts';
import { parseKey, type ResourceKey } from '../../resources/resource.ts';

/** Failure of a pass that ended with an exception, usually a failed write. */
export interface WriteFailure {
  /** Resource whose pass failed. */
  key: ResourceKey;
  /** Code of the error, for users: `StorageFailed`, `InvalidResponse`, or `Unexpected` for an error without a code. */
  code: string;
  /** Reason, equal for failures that have the same cause: `Forbidden`, `ENOSPC`, or the code. */
  reason: string;
  /** Namespace that the cause is limited to; `undefined` when it may affect all resources. */
  namespace: string | undefined;
  /** The failed object and what to do next. */
  message: string;
}

/** Describes the error that ended a pass over a resource. */
export function describeWriteFailure(key: ResourceKey, error: unknown): WriteFailure {
  const code = error instanceof KplugError ? error.code : 'Unexpected';
  const reason = (error instanceof KplugError && reasonOf(error.cause)) || code;
  // Rights and quotas are granted per namespace.
  const namespace = reason === 'Forbidden' || reason === 'Denied' ? parseKey(key).namespace : undefined;
  return { key, code, reason, namespace, message: messageOf(error) };
}

/** Reports whether a failure may have a cause that other resources share. */
export function isShared({ code, reason }: WriteFailure): boolean {
  // Admission and the size limit judge each resource by its content.
  if (reason === 'Denied' || reason === 'TooLarge') return false;
  return code === 'StorageFailed' || code === 'InvalidResponse';
}

/** Returns the reason that a storage gives: that of the API server, or the code of a system error. */
function reasonOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if ('reason' in cause && typeof cause.reason === 'string') return cause.reason;
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return reasonOf(cause.cause);
}
