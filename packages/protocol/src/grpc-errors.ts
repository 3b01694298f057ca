import * as grpc from '@grpc/grpc-js';
import { messageOf } from './message-of.ts';

/** Reports whether an error is a gRPC status, as a failed call rejects with it. */
export function isServiceError(error: unknown): error is grpc.ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/** Makes the error with which a call that ends with this gRPC status rejects. */
export function serviceError(code: grpc.status, details: string, metadata = new grpc.Metadata()): grpc.ServiceError {
  return Object.assign(new Error(`${grpc.status[code]}: ${details}`), { code, details, metadata });
}

/** Converts a thrown value into the gRPC status to answer a call with: its own one, or INTERNAL with its message. */
export function toServiceError(error: unknown): grpc.ServiceError {
  return isServiceError(error) ? error : serviceError(grpc.status.INTERNAL, messageOf(error));
}
