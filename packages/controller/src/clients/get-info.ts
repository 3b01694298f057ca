import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type GetInfoResponse, PluginService } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';

/** Options of `getInfo`. */
export interface GetInfoOptions {
  /** Default: none (plain text). */
  credentials?: grpc.ChannelCredentials;
  /** Time that the plugin has to answer, in milliseconds. Default 5,000. */
  timeout?: number;
  /** Cancels the call. */
  signal?: AbortSignal;
}

/** Calls `kplug.v1.PluginService/GetInfo` at an address, over a separate connection. Rejects with the gRPC error. */
export async function getInfo(
  address: string,
  { credentials = grpc.credentials.createInsecure(), timeout = limits.calls.infoTimeout, signal }: GetInfoOptions = {},
): Promise<GetInfoResponse> {
  const client = createGrpcClient(PluginService, address, credentials, {
    'grpc.max_receive_message_length': limits.calls.maxInfoSize,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_channelz': 0,
  });
  try {
    return await client.getInfo({}, { deadline: Date.now() + timeout, ...(signal && { signal }) });
  } finally {
    client.$client.close();
  }
}
