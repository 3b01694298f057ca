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

/** Makes the error of a message that is larger than accepted, as grpc-js does. */
export function tooLarge(size: number, maxSize: number): grpc.ServiceError {
  return serviceError(grpc.status.RESOURCE_EXHAUSTED, `Received message larger than max (${size} vs ${maxSize})`);
}

/** Converts a thrown value into the gRPC status to answer a call with: its own one, or INTERNAL with its message. */
export function toServiceError(error: unknown): grpc.ServiceError {
  return isServiceError(error) ? error : serviceError(grpc.status.INTERNAL, messageOf(error));
}
