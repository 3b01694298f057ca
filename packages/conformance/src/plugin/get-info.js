import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, PluginService } from '@kplug/protocol';
/** Asks a process what plugin it is. Rejects with the gRPC error. */
export async function getInfo(address) {
  const client = createGrpcClient(PluginService, address, grpc.credentials.createInsecure());
  try {
    return await client.getInfo({}, { deadline: Date.now() + 5_000 });
  } finally {
    client.$client.close();
  }
}
//# sourceMappingURL=get-info.js.map
