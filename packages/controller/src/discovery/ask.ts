import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type GetInfoResponse, isServiceError, PluginService } from '@kplug/protocol';
import { describeFailure } from '../clients/describe-failure.ts';
import { ProbeFailure } from './probe-failure.ts';

/** How a plugin is asked. */
export interface AskOptions {
  credentials: grpc.ChannelCredentials;
  /** How long it may take to answer, in milliseconds. */
  timeout: number;
  signal: AbortSignal;
}

/** Asks what answers at an address what plugin it is, over a connection of its own. Rejects with a `ProbeFailure`. */
export async function ask(address: string, { credentials, timeout, signal }: AskOptions): Promise<GetInfoResponse> {
  const client = createGrpcClient(PluginService, address, credentials, {
    'grpc.max_receive_message_length': 256 * 1024,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_channelz': 0,
  });
  try {
    return await client.getInfo({}, { deadline: Date.now() + timeout, signal });
  } catch (cause) {
    throw failureOf(cause, address);
  } finally {
    client.$client.close();
  }
}

function failureOf(cause: unknown, address: string): ProbeFailure {
  const code = isServiceError(cause) ? cause.code : undefined;
  if (code === grpc.status.UNIMPLEMENTED) {
    const message =
      `what answers at ${address} is no plugin that can be asked: it doesn't serve kplug.v1.PluginService/GetInfo; ` +
      'serve it, or have the plugin beat';
    return new ProbeFailure('GetInfoUnimplemented', message, { cause });
  }
  if (code === grpc.status.UNAVAILABLE || code === grpc.status.DEADLINE_EXCEEDED) {
    const message = `no plugin answers at ${address}: ${describeFailure(cause)}`;
    return new ProbeFailure('Unreachable', message, { cause });
  }
  const message = `GetInfo failed at ${address}: ${describeFailure(cause)}`;
  return new ProbeFailure('GetInfoMalformed', message, { cause });
}
