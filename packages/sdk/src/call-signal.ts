import type * as grpc from '@grpc/grpc-js';

/** Creates a signal that is aborted when the caller cancels the RPC or its deadline passes. */
export function signalOf(call: grpc.ServerUnaryCall<unknown, unknown>): AbortSignal {
  const aborted = new AbortController();
  call.on('cancelled', () => aborted.abort());
  return aborted.signal;
}
