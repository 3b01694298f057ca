import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type GetInfoResponse, PluginService } from '@kplug/protocol';

/** Calls GetInfo of the plugin at an address. Rejects with the gRPC error. */
export async function getInfo(address: string): Promise<GetInfoResponse> {
  const client = createGrpcClient(PluginService, address, grpc.credentials.createInsecure());
  try {
    return await client.getInfo({}, { deadline: Date.now() + 5_000 });
  } finally {
    client.$client.close();
  }
}
