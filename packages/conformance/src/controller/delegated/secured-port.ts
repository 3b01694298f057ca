import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import type { KeyPair } from '../../plugin/credentials.ts';

/** First byte of a TLS connection: a record of the type `handshake`. */
const handshake = 0x16;

/** Port of a plugin that registered a certificate. It records how clients connect, and passes connections by TLS to the server. */
export class SecuredPort {
  /** Certificates (DER) of the clients that connected by TLS; empty for a client without one. */
  readonly clients: Buffer[] = [];
  /** Number of connections that began with TLS, whether their handshakes succeeded or not. */
  encrypted = 0;
  /** Number of connections in plain text. They are closed. */
  plain = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(server: grpc.Server, own: KeyPair | undefined) {
    const front = own && this.#openTls(server, own);
    this.#server = net.createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
      socket.once('readable', () => {
        const first = socket.read() as Buffer | null;
        if (!first) return;
        const isTls = first[0] === handshake;
        if (isTls) this.encrypted++;
        else this.plain++;
        if (!isTls || !front) return void socket.destroy();
        socket.unshift(first);
        front.emit('connection', socket);
      });
    });
  }

  /** @param own key and certificate to present; `undefined` to refuse all handshakes, as a server without TLS does. */
  static async listen(server: grpc.Server, own: KeyPair | undefined): Promise<SecuredPort> {
    const port = new SecuredPort(server, own);
    port.#server.listen({ host: '::', port: 0 });
    await once(port.#server, 'listening');
    return port;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #openTls(server: grpc.Server, { key, cert }: KeyPair): tls.Server {
    const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
    // The checks look at the certificate themselves.
    const options = { key, cert, ALPNProtocols: ['h2'], requestCert: true, rejectUnauthorized: false };
    const front = tls.createServer(options, (socket) => {
      socket.on('error', () => socket.destroy());
      this.clients.push(socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0));
      injector.injectConnection(socket);
    });
    front.on('tlsClientError', (_, socket) => socket.destroy());
    return front;
  }
}
