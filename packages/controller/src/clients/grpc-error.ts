import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';

/** Reports whether a call failed with a gRPC status that may mean that its connection broke. */
export function isConnectionError(error: unknown): error is grpc.ServiceError {
  return isServiceError(error) && (error.code === grpc.status.UNAVAILABLE || error.code === grpc.status.CANCELLED);
}

/** Name of a gRPC status code, such as `UNAVAILABLE`. */
export function nameOfCode(code: number): string {
  return grpc.status[code] ?? String(code);
}
