import { once } from 'node:events';
import net from 'node:net';
import { limits } from '../limits/limits.ts';

/** Codes of errors for an address family that this machine doesn't have. */
const missingFamily = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/**
 * Listens on a host and port. `localhost` is 127.0.0.1 and, where the machine has IPv6, ::1, on the same port. An empty host is all
 * interfaces. Rejects with the error of `net.Server`; nothing listens then.
 */
export async function listenOn(
  host: string,
  port: number,
  onSocket: (socket: net.Socket) => void,
): Promise<{ servers: readonly net.Server[]; port: number }> {
  if (host !== 'localhost') {
    const server = await open(host || undefined, port, onSocket);
    return { servers: [server], port: portOf(server) };
  }
  for (let attempt = 1; ; attempt++) {
    const first = await open('127.0.0.1', port, onSocket);
    try {
      const second = await open('::1', portOf(first), onSocket);
      return { servers: [first, second], port: portOf(first) };
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (missingFamily.has(code)) return { servers: [first], port: portOf(first) };
      first.close();
      // Another process may have the port that was free in IPv4.
      if (port !== 0 || code !== 'EADDRINUSE' || attempt === limits.ports.maxListenAttempts) throw error;
    }
  }
}

async function open(host: string | undefined, port: number, onSocket: (socket: net.Socket) => void) {
  const server = net.createServer({ noDelay: true, keepAlive: true }, onSocket);
  server.listen({ host, port, backlog: limits.ports.backlog });
  await once(server, 'listening');
  // Errors of accepting a connection, such as a lack of descriptors, are no reason to stop listening.
  server.on('error', () => undefined);
  return server;
}

function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port;
}
