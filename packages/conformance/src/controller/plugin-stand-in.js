import * as grpc from '@grpc/grpc-js';
import { addService, PluginService } from '@kplug/protocol';
/** Answers at the address that is registered, for controllers that look whether somebody does. Nobody should call it for work. */
export class PluginStandIn {
  instanceId = '';
  #server = new grpc.Server();
  #port = 0;
  constructor() {
    addService(this.#server, PluginService, {
      getInfo: () => ({
        plugin: 'Conformance',
        version: '1.0.0',
        instanceId: this.instanceId,
        runtime: 'kplug conformance',
      }),
    });
  }
  static async start() {
    const plugin = new PluginStandIn();
    plugin.#port = await new Promise((resolve, reject) => {
      plugin.#server.bindAsync('[::]:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    return plugin;
  }
  get port() {
    return this.#port;
  }
  close() {
    this.#server.forceShutdown();
  }
}
//# sourceMappingURL=plugin-stand-in.js.map
