import type * as grpc from '@grpc/grpc-js';
import type { FinalizeCause, PluginAnswer, PluginCall } from './plugin-call.ts';

/** One instance, spoken to in its protocol. Deadlines are in milliseconds since the epoch. */
export interface PluginClient {
  /** The client underneath, whose channel can be watched and closed. */
  readonly grpcClient: grpc.Client;

  /** Aborted when the connection is closed, which calls under way don't survive. */
  readonly signal: AbortSignal;

  /** Makes sure that the instance that registered is the one that answers. Rejects with `PluginUnavailable` or the gRPC error. */
  identify(deadline: number): Promise<void>;

  /** Has a resource reconciled. Rejects with `InvalidResponse`, or the gRPC error. */
  reconcile(call: PluginCall, deadline: number): Promise<PluginAnswer>;

  /** Has undone what was made for a resource. Rejects as `reconcile` does. */
  finalize(call: PluginCall, cause: FinalizeCause, deadline: number): Promise<PluginAnswer>;
}

/** What a client is made with. */
export interface PluginClientOptions {
  credentials: grpc.ChannelCredentials;
  channel: grpc.ClientOptions;
  /** Cancels the calls under way when it is aborted. */
  signal: AbortSignal;
}
