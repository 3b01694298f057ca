import * as grpc from '@grpc/grpc-js';
import { addService, PluginService } from '@kplug/protocol';

/** Answers at the address that is registered, for controllers that look whether somebody does. Nobody should call it for work. */
export class PluginStandIn {
  instanceId = '';
  readonly #server = new grpc.Server();
  #port = 0;

  private constructor() {
    addService(this.#server, PluginService, {
      getInfo: () => ({
        plugin: 'Conformance',
        version: '1.0.0',
        instanceId: this.instanceId,
        runtime: 'kplug conformance',
      }),
    });
  }

  static async start(): Promise<PluginStandIn> {
    const plugin = new PluginStandIn();
    plugin.#port = await new Promise<number>((resolve, reject) => {
      plugin.#server.bindAsync('[::]:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    return plugin;
  }

  get port(): number {
    return this.#port;
  }

  close(): void {
    this.#server.forceShutdown();
  }
}
