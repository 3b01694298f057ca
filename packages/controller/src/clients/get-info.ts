import { createGrpcClient, type GetInfoResponse, PluginService } from '@kplug/protocol';
import { type PluginChannel, PluginChannels, type PluginSecurity } from '../certificates/plugin-channels.ts';
import { limits } from '../limits/limits.ts';

/** Options of `getInfo`. */
export interface GetInfoOptions {
  /** Decides how the plugin is called. Default: in plain text. */
  security?: PluginSecurity;
  /** Time that the plugin has to answer, in milliseconds. Default 5,000. */
  timeout?: number;
  /** Cancels the call. */
  signal?: AbortSignal;
}

/**
 * Calls `kplug.v1.PluginService/GetInfo` at an address, over a separate connection. Rejects with the gRPC error, or with
 * `PluginUnavailable` if the plugin may not be called.
 */
export async function getInfo(
  address: string,
  { security = new PluginChannels(), ...options }: GetInfoOptions = {},
): Promise<GetInfoResponse> {
  return getInfoOver(security.channelTo({ address }), address, options);
}

/** Calls `GetInfo` at an address with given credentials. Rejects with the gRPC error. */
export async function getInfoOver(
  channel: PluginChannel,
  address: string,
  { timeout = limits.calls.infoTimeout, signal }: Omit<GetInfoOptions, 'security'>,
): Promise<GetInfoResponse> {
  const client = createGrpcClient(PluginService, address, channel.credentials, {
    ...channel.options,
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
