import * as grpc from '@grpc/grpc-js';
import { type GetInfoResponse, isServiceError } from '@kplug/protocol';
import {
  type CallTarget,
  type PluginChannel,
  PluginChannels,
  type PluginSecurity,
} from '../certificates/plugin-channels.ts';
import { describeFailure } from '../clients/describe-failure.ts';
import { type GetInfoOptions, getInfoOver } from '../clients/get-info.ts';
import { KplugError } from '../errors.ts';
import { ProbeFailure } from './probe-failure.ts';

/** Calls `GetInfo` at an address. Rejects with a `ProbeFailure`. */
export async function getPluginInfo(
  target: CallTarget,
  { security = new PluginChannels(), ...options }: GetInfoOptions,
): Promise<GetInfoResponse> {
  const { address } = target;
  const channel = channelOf(security, target);
  try {
    return await getInfoOver(channel, address, options);
  } catch (cause) {
    throw failureOf(cause, address, channel);
  }
}

/** Returns how the plugin is called. Throws a `ProbeFailure` if it may not be. */
function channelOf(security: PluginSecurity, target: CallTarget): PluginChannel {
  try {
    return security.channelTo(target);
  } catch (cause) {
    if (!(cause instanceof KplugError)) throw cause;
    const message = `the plugin at ${target.address} is not called: ${cause.message}`;
    throw new ProbeFailure('TlsRequired', message, { cause });
  }
}

function failureOf(cause: unknown, address: string, { explain }: PluginChannel): ProbeFailure {
  const code = isServiceError(cause) ? cause.code : undefined;
  if (code === grpc.status.UNIMPLEMENTED) {
    const message =
      `the server at ${address} can't be probed: it doesn't serve kplug.v1.PluginService/GetInfo; ` +
      'serve it, or have the plugin send heartbeats';
    return new ProbeFailure('GetInfoUnimplemented', message, { cause });
  }
  if (code === grpc.status.UNAVAILABLE || code === grpc.status.DEADLINE_EXCEEDED) {
    const message = `no plugin answers at ${address}: ${explain(describeFailure(cause))}`;
    return new ProbeFailure('Unreachable', message, { cause });
  }
  const message = `GetInfo failed at ${address}: ${describeFailure(cause)}`;
  return new ProbeFailure('GetInfoMalformed', message, { cause });
}
