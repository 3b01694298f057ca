import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';
import { KplugError } from '../errors.ts';

/** Refusal of a request by the plugin's server, because of its size. The message is that of the server. */
export class RequestTooLarge extends KplugError {
  constructor(cause: grpc.ServiceError) {
    super('PluginFailed', cause.details, { cause });
  }
}

/**
 * Converts the error of a call whose request was too large. Both sides report a message that is too large with the same status; only the
 * size that they name tells a request from a response.
 *
 * @param size returns the size of the request in bytes.
 */
export function explainTooLarge(error: unknown, size: () => number): unknown {
  if (!isServiceError(error) || error.code !== grpc.status.RESOURCE_EXHAUSTED) return error;
  const sizes: string[] = error.details.match(/\d+/g) ?? [];
  return sizes.includes(String(size())) ? new RequestTooLarge(error) : error;
}
