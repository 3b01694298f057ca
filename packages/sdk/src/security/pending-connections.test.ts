import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { limits } from '../limits.ts';
import { PendingConnections } from './pending-connections.ts';

const max = limits.security.maxPendingConnections;

let server: Server;
let accepted: Socket[];
let pending: PendingConnections;

beforeEach(async () => {
  accepted = [];
  pending = new PendingConnections();
  server = createServer((socket) => {
    accepted.push(socket);
    pending.add(socket);
  }).listen(0, '0.0.0.0');
  await once(server, 'listening');
});

afterEach(() => {
  pending.closeAll();
  server.close();
});

/** Connects, one after another. */
async function open(count: number, localAddress = '127.0.0.1'): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const { port } = server.address() as AddressInfo;
  for (let index = 0; index < count; index++) {
    const before = accepted.length;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined).resume();
    sockets.push(socket);
    await vi.waitFor(() => expect(accepted.length).toBe(before + 1), { interval: 1 });
  }
  return sockets;
}

it('closes the oldest connection from the address that has the most', async () => {
  const [honest] = await open(1, '127.0.0.2');
  const flood = await open(max + 20);
  expect(pending.size).toBe(max);
  await vi.waitFor(() => expect(flood.filter(({ closed }) => closed)).toHaveLength(21));
  expect(flood.slice(0, 21).every(({ closed }) => closed)).toBe(true);
  expect(honest?.closed).toBe(false);
});

it('forgets connections that close or are authenticated', async () => {
  const [first, second] = await open(2);
  first?.destroy();
  await vi.waitFor(() => expect(pending.size).toBe(1));
  const [, socket] = accepted;
  if (!socket) throw new Error('there is no second connection');
  pending.remove(socket);
  expect(pending.size).toBe(0);
  expect(second?.closed).toBe(false);
  socket.destroy();
});
