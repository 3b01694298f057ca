import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';

/** Reports whether a call failed with a gRPC status that may mean that its connection broke. */
export function isConnectionError(error: unknown): error is grpc.ServiceError {
  return isServiceError(error) && (error.code === grpc.status.UNAVAILABLE || error.code === grpc.status.CANCELLED);
}

/**
 * Reports whether a server refused a call because of its connection, with the HTTP/2 code ENHANCE_YOUR_CALM: Node.js does so for every
 * call on a connection whose memory limit is exceeded. The call has not started.
 */
export function isConnectionExhausted(error: unknown): boolean {
  return isServiceError(error) && error.code === grpc.status.RESOURCE_EXHAUSTED && error.details === enhanceYourCalm;
}

/** Reports whether a response was refused because of its size, by this side or before it was sent. */
export function isResponseTooLarge(error: grpc.ServiceError): boolean {
  return error.code === grpc.status.RESOURCE_EXHAUSTED && tooLarge.test(error.details);
}

/** Name of a gRPC status code, such as `UNAVAILABLE`. */
export function nameOfCode(code: number): string {
  return grpc.status[code] ?? String(code);
}

/** Text of grpc-js for ENHANCE_YOUR_CALM. */
const enhanceYourCalm = 'Bandwidth exhausted or memory limit exceeded';

/** Texts of grpc-js, grpc-go and gRPC's C core for a message that is too large. */
const tooLarge =
  /^(grpc: )?(received|sent|trying to send) message (larger than max|that decompresses to a size larger)/i;
