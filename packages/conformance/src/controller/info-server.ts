import * as grpc from '@grpc/grpc-js';
import { addService, PluginService } from '@kplug/protocol';

/** Server at the registered address. It answers GetInfo, for controllers that verify registrations, and no other call. */
export class InfoServer {
  /** Instance id in the answers. */
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

  /** @param own key and certificate of the server. Default: plain text. */
  static async start(own?: { key: string; cert: string }): Promise<InfoServer> {
    const server = new InfoServer();
    const credentials = own
      ? grpc.ServerCredentials.createSsl(null, [
          { private_key: Buffer.from(own.key), cert_chain: Buffer.from(own.cert) },
        ])
      : grpc.ServerCredentials.createInsecure();
    server.#port = await new Promise<number>((resolve, reject) => {
      server.#server.bindAsync('[::]:0', credentials, (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    return server;
  }

  get port(): number {
    return this.#port;
  }

  close(): void {
    this.#server.forceShutdown();
  }
}
