import net from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { PortForwardAgent } from '@kplug/controller/tools';
import { messageOf } from '@kplug/protocol';

/** Port on the loopback interface of this machine whose connections lead to a port of a pod, through the API server. */
export class LocalForward implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  /** Failure of the last connection; empty after one that succeeded. */
  failure = '';

  /** @param connect returns the agent for a new connection: another pod may lead by now. */
  constructor(connect: () => Promise<PortForwardAgent>) {
    this.#server = net.createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      void this.#forward(socket, connect);
    });
  }

  /** Starts to listen on a free port. */
  async listen(): Promise<void> {
    await listenOnLoopback(this.#server);
  }

  get port(): number {
    return portOf(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await close(this.#server);
  }

  async #forward(socket: net.Socket, connect: () => Promise<PortForwardAgent>): Promise<void> {
    try {
      const agent = await connect();
      const stream = await agent.connect();
      socket.once('close', () => stream.destroy());
      stream.on('error', (error) => {
        this.failure = messageOf(error);
      });
      this.failure = '';
      await Promise.all([pipeline(socket, stream), pipeline(stream, socket)]);
    } catch (error) {
      // A connection that was closed by one side ends so, too.
      if (!socket.destroyed) this.failure = messageOf(error);
      socket.destroy();
    }
  }
}

/** Returns a port of the loopback interface that is free now. */
export async function findFreePort(): Promise<number> {
  const server = net.createServer();
  await listenOnLoopback(server);
  const port = portOf(server);
  await close(server);
  return port;
}

async function listenOnLoopback(server: net.Server): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  await promise;
}

function portOf(server: net.Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

async function close(server: net.Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
