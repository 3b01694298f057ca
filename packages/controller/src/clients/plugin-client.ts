// clients/: calls to plugins: connections, health, load balancing, deadlines, and one client for each protocol.
import type * as grpc from '@grpc/grpc-js';
import type { FinalizeCause, PluginAnswer, PluginCall } from './plugin-call.ts';

/** Client of one instance in the protocol that it speaks. Deadlines are in milliseconds since the epoch. */
export interface PluginClient {
  /** Underlying client, whose channel can be watched and closed. */
  readonly grpcClient: grpc.Client;

  /** Largest response that is accepted, in bytes. */
  readonly maxMessageSize: number;

  /** True if the plugin runs the calls for one resource one after another. Known once it is identified. */
  readonly serializesCalls: boolean;

  /** Aborted when the connection is closed, which cancels in-flight calls. */
  readonly signal: AbortSignal;

  /** Verifies that the registered instance is the one that answers. Rejects with `PluginUnavailable` or the gRPC error. */
  identify(deadline: number): Promise<void>;

  /** Reconciles a resource. Rejects with `InvalidResponse` or the gRPC error. */
  reconcile(call: PluginCall, deadline: number): Promise<PluginAnswer>;

  /** Removes what was created for a resource. Rejects as `reconcile` does. */
  finalize(call: PluginCall, cause: FinalizeCause, deadline: number): Promise<PluginAnswer>;
}

/** Use of `Work` streams by an instance, over all its connections. */
export interface StreamUse {
  /** True after an answer has ended a stream together with the calls of other resources: calls are made as separate RPCs then. */
  isUnsafe: boolean;
}

/** Options of a client. */
export interface PluginClientOptions {
  credentials: grpc.ChannelCredentials;
  channel: grpc.ClientOptions;
  /** Largest response that is accepted, in bytes. The channel accepts larger ones. */
  maxMessageSize: number;
  /** Use of streams by the instance, over all its connections. */
  streams: StreamUse;
  /** Cancels in-flight calls. */
  signal: AbortSignal;
}
