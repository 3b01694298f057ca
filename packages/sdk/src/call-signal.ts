import type * as grpc from '@grpc/grpc-js';

/** A signal that is aborted when the caller of an RPC gives up. */
export function signalOf(call: grpc.ServerUnaryCall<unknown, unknown>): AbortSignal {
  const aborted = new AbortController();
  call.on('cancelled', () => aborted.abort());
  return aborted.signal;
}
