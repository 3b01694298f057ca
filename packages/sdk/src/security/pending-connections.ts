import type { Socket } from 'node:net';
import { limits } from '../limits.ts';

interface Pending {
  address: string;
  socket: Socket;
  timer: NodeJS.Timeout;
}

/**
 * Connections whose client is not authenticated yet. Their number and time are limited. When there are too many, the oldest one from the
 * address that has the most is closed, so that a flood from one address takes the place of no other client.
 */
export class PendingConnections {
  /** Connections by the address and port of their client, oldest first. */
  readonly #connections = new Map<string, Pending>();

  get size(): number {
    return this.#connections.size;
  }

  /** Adds a connection. It is removed by `remove`, or when it closes. */
  add(socket: Socket): void {
    if (this.size >= limits.security.maxPendingConnections) this.#evict();
    const key = keyOf(socket);
    // The timeout of a socket would start again with each byte.
    const timer = setTimeout(() => socket.destroy(), limits.security.handshakeTimeout);
    this.#connections.set(key, { address: socket.remoteAddress ?? '', socket, timer });
    socket.once('close', () => this.#remove(key, socket));
  }

  /** Removes a connection whose client is authenticated. @param socket the connection, or the TLS connection over it. */
  remove(socket: Socket): void {
    this.#remove(keyOf(socket));
  }

  /** Closes all. */
  closeAll(): void {
    for (const { socket } of this.#connections.values()) socket.destroy();
  }

  #evict(): void {
    const counts = new Map<string, number>();
    for (const { address } of this.#connections.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const most = Math.max(...counts.values());
    for (const [key, { address, socket }] of this.#connections) {
      if (counts.get(address) !== most) continue;
      this.#remove(key);
      socket.destroy();
      return;
    }
  }

  /** @param socket the connection to remove, where another one may have its address and port now. */
  #remove(key: string, socket?: Socket): void {
    const pending = this.#connections.get(key);
    if (!pending || (socket && pending.socket !== socket)) return;
    clearTimeout(pending.timer);
    this.#connections.delete(key);
  }
}

function keyOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
