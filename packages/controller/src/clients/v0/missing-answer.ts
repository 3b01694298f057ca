import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';

/**
 * What a gRPC runtime, not the plugin's code, says when a handler came to its end without an error and without a message:
 * grpcio, on which the first Kplug's Python SDK does that in every `delete`, and grpc-java. A handler that fails ends
 * with UNKNOWN in both, or with what it says itself.
 */
const endedWithoutMessage: ReadonlySet<string> = new Set([
  'Failed to serialize response!',
  'Completed without a response',
]);

/** Whether a plugin did what it was called for and only left out the empty message that says so. */
export function isAnswerMissing(error: unknown): boolean {
  return isServiceError(error) && error.code === grpc.status.INTERNAL && endedWithoutMessage.has(error.details);
}
