// Requests that come slowly, and messages that are large, on the heartbeat port and the admin port.
import http2 from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { flag, frame, frameType, grpcMessage, headerBlock } from '../../bench/http2-load/frames.ts';
import { AttackedPorts } from './attacked-ports.fixture.ts';
import { openMany, preface } from './raw-connection.fixture.ts';

const MiB = 2 ** 20;
const heartbeatPath = '/kplug.v1.RegistryService/Heartbeat';
const sessionPath = '/kplug.v1.RegistryService/Session';

/** Largest resident memory of the process after an attack, in MiB: that of an idle one, and its heap of at most 128. */
const maxMemory = 380;

const openCall = (path: string) =>
  Buffer.concat([preface, frame(frameType.headers, flag.endHeaders, 1, headerBlock(path, 'localhost', true))]);

/** First bytes of a TLS handshake: a record that announces more than follows. */
const _halfHandshake = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);

describe('slow peers', () => {
  /** Call that announces a message of 16 KiB. */
  const slowCall = (path: string) =>
    Buffer.concat([openCall(path), frame(frameType.data, 0, 1, Buffer.from([0, 0, 0, 0x40, 0]))]).toString('latin1');
  const slowByte = frame(frameType.data, 0, 1, Buffer.from([0])).toString('latin1');
  const shorter = { handshakeTimeout: 1_000, requestTimeout: 2_000 };
  const ports = AttackedPorts.startForFile({ shorter: { heartbeat: shorter, admin: shorter } });

  // Without the time-outs, a byte now and then keeps a connection, and the memory of its request, for ever.
  it.each([
    ['the headers of HTTP/1', 'admin', 'GET /readyz HTTP/1.1\r\nhost: localhost\r\nx-slow: ', 'a'],
    ['the preface of HTTP/2', 'heartbeat', 'PRI', ' '],
    [
      'the body of HTTP/1',
      'admin',
      'POST /kplug.v1.RegistryService/ListPlugins HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{',
      ' ',
    ],
    ['the body of HTTP/2', 'admin', slowCall('/kplug.v1.RegistryService/ListPlugins'), slowByte],
    ['a unary call', 'heartbeat', slowCall(heartbeatPath), slowByte],
    ['the first message of a session', 'heartbeat', slowCall(sessionPath), slowByte],
  ] as const)('that send %s by the byte are cut off', async (_, name, start, more) => {
    await ports().endure(async () => {
      const connections = await openMany(ports()[name], 20);
      for (const { socket } of connections) socket.write(start, 'latin1');
      while (!connections.every(({ isClosed }) => isClosed)) {
        for (const { socket, isClosed } of connections) if (!isClosed) socket.write(more, 'latin1');
        await pause(50);
      }
    });
  });

  // Without the limit, the incomplete messages of each connection take 64 MB.
  it('that begin large messages on many streams take little memory', async () => {
    const part = Buffer.concat([Buffer.from([0, 0, 0, 0xf0, 0]), Buffer.alloc(15_000)]);
    const state = await ports().endure(async () => {
      const connections = await openMany(ports().heartbeat, 10);
      for (const connection of connections) {
        connection.socket.write(preface);
        for (let stream = 1; stream < 1_000; stream += 2) {
          const headers = headerBlock(heartbeatPath, 'localhost', stream === 1);
          const frames = [
            frame(frameType.headers, flag.endHeaders, stream, headers),
            frame(frameType.data, 0, stream, part),
          ];
          await connection.flood(Buffer.concat(frames), 1);
        }
      }
      await expect.poll(() => connections.every(({ isClosed }) => isClosed)).toBe(true);
    });
    expect(state.memory).toBeLessThan(maxMemory);
  });
});

describe('messages', () => {
  const bomb = compressed(gzipSync(Buffer.alloc(20 * MiB)));
  const ports = AttackedPorts.startForFile();

  /** Sends a call, and returns its status. */
  async function statusOf(path: string, body: Buffer, headers: http2.OutgoingHttpHeaders = {}): Promise<number> {
    const session = http2.connect(`http://127.0.0.1:${ports().heartbeat}`);
    session.on('error', () => undefined);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const { promise, resolve } = Promise.withResolvers<number>();
    const read = (found: http2.IncomingHttpHeaders) =>
      found['grpc-status'] !== undefined && resolve(Number(found['grpc-status']));
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('error', () => undefined);
    stream.on('close', () => resolve(-1));
    stream.resume();
    stream.end(body);
    return promise;
  }

  // Without the limit, a message of 20 KB expands to 20 MB, and each frame may hold hundreds of small compressed ones.
  it.each([
    ['a message that expands to 20 MB', () => bomb],
    [
      'thousands of small compressed messages',
      () => Buffer.concat(Array<Buffer>(2_000).fill(compressed(gzipSync(Buffer.alloc(10))))),
    ],
  ])('that are compressed are refused: %s', async (_, body) => {
    const state = await ports().endure(async () => {
      for (const encoding of ['gzip', 'deflate']) {
        expect([8, 12]).toContain(await statusOf(heartbeatPath, body(), { 'grpc-encoding': encoding }));
      }
    });
    expect(state.memory).toBeLessThan(maxMemory);
  });

  // Without the limit, a message of 4 GB is collected until the memory is full.
  it('that are too large are refused', async () => {
    await ports().endure(async () => {
      const announced = Buffer.concat([Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(1_000)]);
      expect(await statusOf(heartbeatPath, announced)).toBe(8);
      expect(await statusOf(heartbeatPath, grpcMessage(Buffer.alloc(65 * 1_024)))).toBe(8);
    });
  });

  // Without bounds, what each unknown method leaves adds up.
  it('to unknown methods are answered, however many', async () => {
    const state = await ports().endure(async () => {
      for (let round = 0; round < 10; round++) {
        const paths = Array.from({ length: 100 }, (_, index) => `/unknown.Service/Method${round}-${index}`);
        const found = await Promise.all(paths.map((path) => statusOf(path, grpcMessage(Buffer.alloc(0)))));
        expect(new Set(found)).toEqual(new Set([12]));
      }
    });
    expect(state.memory).toBeLessThan(maxMemory);
  });

  // Without a pause between them, thousands of messages of one frame are handled in one iteration of the event loop.
  it('that are empty and many in a session do not block the event loop', async () => {
    const body = Buffer.concat(Array<Buffer>(13_000).fill(grpcMessage(Buffer.alloc(0))));
    await ports().endure(async () => {
      await Promise.all(Array.from({ length: 30 }, () => statusOf(sessionPath, body)));
    });
  });
});

function compressed(message: Buffer): Buffer {
  const framed = grpcMessage(message);
  framed[0] = 1;
  return framed;
}
