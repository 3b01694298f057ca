import * as grpc from '@grpc/grpc-js';
import { type GetInfoResponse, isServiceError } from '@kplug/protocol';
import { describeFailure } from '../clients/describe-failure.ts';
import { type GetInfoOptions, getInfo } from '../clients/get-info.ts';
import { ProbeFailure } from './probe-failure.ts';

/** Calls `GetInfo` at an address. Rejects with a `ProbeFailure`. */
export async function getPluginInfo(address: string, options: GetInfoOptions): Promise<GetInfoResponse> {
  try {
    return await getInfo(address, options);
  } catch (cause) {
    throw failureOf(cause, address);
  }
}

function failureOf(cause: unknown, address: string): ProbeFailure {
  const code = isServiceError(cause) ? cause.code : undefined;
  if (code === grpc.status.UNIMPLEMENTED) {
    const message =
      `the server at ${address} can't be probed: it doesn't serve kplug.v1.PluginService/GetInfo; ` +
      'serve it, or have the plugin send heartbeats';
    return new ProbeFailure('GetInfoUnimplemented', message, { cause });
  }
  if (code === grpc.status.UNAVAILABLE || code === grpc.status.DEADLINE_EXCEEDED) {
    const message = `no plugin answers at ${address}: ${describeFailure(cause)}`;
    return new ProbeFailure('Unreachable', message, { cause });
  }
  const message = `GetInfo failed at ${address}: ${describeFailure(cause)}`;
  return new ProbeFailure('GetInfoMalformed', message, { cause });
}
