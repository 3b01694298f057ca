import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { flag, frame, frameType, headerBlock } from '../../bench/http2-load/frames.ts';
import { AttackedPorts } from './attacked-ports.fixture.ts';
import { openMany, preface, RawConnection } from './raw-connection.fixture.ts';

const _MiB = 2 ** 20;
const _heartbeatPath = '/kplug.v1.RegistryService/Heartbeat';
const sessionPath = '/kplug.v1.RegistryService/Session';

/** Largest resident memory of the process after an attack, in MiB: that of an idle one, and its heap of at most 128. */
const maxMemory = 380;

const openCall = (path: string) =>
  Buffer.concat([preface, frame(frameType.headers, flag.endHeaders, 1, headerBlock(path, 'localhost', true))]);

/** First bytes of a TLS handshake: a record that announces more than follows. */
const halfHandshake = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);

describe('with 1,024 descriptors', () => {
  const ports = AttackedPorts.startForFile({
    descriptors: 1_024,
    shorter: { heartbeat: { handshakeTimeout: 2_000 }, admin: { handshakeTimeout: 2_000 } },
  });

  // Without the limits, 1,100 silent connections take all descriptors, and no heartbeat gets through any more.
  it.each([
    ['silent connections', 'heartbeat', Buffer.alloc(0)],
    ['silent connections', 'admin', Buffer.alloc(0)],
    ['HTTP/2 connections without a request', 'heartbeat', preface],
    ['HTTP/2 connections without a request', 'admin', preface],
    ['HTTP/2 connections with a request without a body', 'heartbeat', openCall(sessionPath)],
    ['HTTP/1 connections with half a request', 'admin', Buffer.from('GET /readyz HTTP/1.1\r\nhost: localhost\r\nx-a')],
    ['half TLS handshakes', 'heartbeat', halfHandshake],
    ['half TLS handshakes', 'admin', halfHandshake],
  ] as const)('1,100 %s starve nobody (%s port)', async (_, name, bytes) => {
    const state = await ports().endure(async () => {
      const connections = await openMany(ports()[name], 1_100);
      for (const { socket } of connections) socket.write(bytes);
      await pause(500);
      const { descriptors } = await ports().state();
      expect(descriptors).toBeLessThan(700);
      for (const { socket } of connections) socket.destroy();
    });
    expect(state.memory).toBeLessThan(maxMemory);
  });

  // Without the time-out, each of them stays for as long as its peer likes.
  it.each([
    ['silent', 'heartbeat', Buffer.alloc(0)],
    ['silent', 'admin', Buffer.alloc(0)],
    ['HTTP/2', 'heartbeat', preface],
    ['HTTP/2', 'admin', preface],
    ['HTTP/1', 'admin', Buffer.from('GET /')],
    ['TLS', 'heartbeat', halfHandshake],
  ] as const)('a %s connection without a request is closed (%s port)', async (_, name, bytes) => {
    const connection = await new RawConnection(ports()[name]).opened();
    connection.socket.write(bytes);
    await expect.poll(() => connection.isClosed).toBe(true);
  });

  it('a TLS connection without a request is closed', async () => {
    const options = { port: ports().heartbeat, rejectUnauthorized: false, ALPNProtocols: ['h2'] };
    const connections = Array.from({ length: 100 }, () => tls.connect(options));
    for (const socket of connections) socket.on('error', () => undefined).resume();
    await expect.poll(() => connections.every((socket) => socket.closed)).toBe(true);
  });
});
