import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';

/**
 * Details that gRPC runtimes report when a handler returned without an error and without a message: grpcio, with which the
 * v0 Python SDK does so in every `delete`, and grpc-java. A failed handler ends with UNKNOWN in both, or with its own status.
 */
const endedWithoutMessage: ReadonlySet<string> = new Set([
  'Failed to serialize response!',
  'Completed without a response',
]);

/** Reports whether a plugin succeeded and only omitted the empty response message. */
export function isAnswerMissing(error: unknown): boolean {
  return isServiceError(error) && error.code === grpc.status.INTERNAL && endedWithoutMessage.has(error.details);
}
