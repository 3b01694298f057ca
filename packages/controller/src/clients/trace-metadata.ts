import * as grpc from '@grpc/grpc-js';
import type { CallTrace } from './plugin-call.ts';

/**
 * Headers of W3C Trace Context for a separate RPC: instrumentations of gRPC read them, in plugins without an SDK of Kplug and in those of the
 * first Kplug. The calls of a stream have no headers of their own.
 */
export function traceMetadata(trace: Partial<CallTrace> | undefined): { metadata?: grpc.Metadata } {
  if (!trace?.traceparent) return {};
  const metadata = new grpc.Metadata();
  metadata.set('traceparent', trace.traceparent);
  if (trace.tracestate) metadata.set('tracestate', trace.tracestate);
  return { metadata };
}
