// Floods of HTTP/2 frames on the heartbeat port and the admin port.
import { describe, expect, it } from 'vitest';
import { flag, frame, frameType, grpcMessage, headerBlock } from '../../bench/http2-load/frames.ts';
import { AttackedPorts } from './attacked-ports.fixture.ts';
import { cancelledCalls, headersOf, preface, RawConnection, repeated } from './raw-connection.fixture.ts';

const MiB = 2 ** 20;
const path = '/kplug.v1.RegistryService/ListPlugins';
const call = headerBlock(path, 'localhost', true);
const openCall = Buffer.concat([preface, frame(frameType.headers, flag.endHeaders, 1, call)]);
const nothing = Buffer.alloc(0);

/** Largest resident memory of the process after an attack, in MiB: that of an idle one, and its heap of at most 128. */
const maxMemory = 380;

/** Type of a frame, and its number, of which `frameType` has only those that the load uses. */
const priority = 2;
const continuation = 9;
const unknownType = 0x42;

const ports = AttackedPorts.startForFile({ shorter: { ports: { stallTimeout: 1_000 } } });

/** Frames that need no answer. */
const unanswered = [
  frame(priority, 0, 1, Buffer.from([0, 0, 0, 0, 1])),
  frame(frameType.windowUpdate, 0, 1, Buffer.from([0, 0, 0, 1])),
  frame(frameType.settings, flag.acknowledgement, 0, nothing),
  frame(frameType.ping, flag.acknowledgement, 0, Buffer.alloc(8)),
  frame(frameType.data, 0, 1, nothing),
  frame(unknownType, 0, 0, nothing),
];

/** Bytes that are no HTTP/2, or not at that place. */
const malformed = [
  Buffer.from('PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'),
  Buffer.concat([preface.subarray(0, 24), frame(frameType.ping, 0, 0, Buffer.alloc(8))]),
  // A frame that is too long, one of stream 0, one of an even stream, and one whose headers are garbage.
  Buffer.concat([preface, Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])]),
  Buffer.concat([preface, frame(frameType.headers, flag.endHeaders, 0, call)]),
  Buffer.concat([preface, frame(frameType.headers, flag.endHeaders, 2, call)]),
  Buffer.concat([preface, frame(frameType.headers, flag.endHeaders, 1, Buffer.alloc(100, 0xff))]),
  Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 7_919) % 251)),
  Buffer.alloc(10_000),
];

/** Sends bytes to a port until the server closes the connection. */
async function expectClosed(port: number, start: Buffer, flood: Buffer): Promise<void> {
  const connection = await new RawConnection(port).opened();
  connection.socket.write(start);
  const written = await connection.flood(flood, 200 * MiB);
  expect(written).toBeLessThan(200 * MiB);
  await expect.poll(() => connection.isClosed).toBe(true);
}

describe.each(['heartbeat', 'admin'] as const)('the %s port endures', (name) => {
  // Without the limit, a PING for each 17 bytes is answered for as long as the peer likes.
  it('a flood of PING frames', async () => {
    const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8));
    await ports().endure(() => expectClosed(ports()[name], preface, repeated(ping)));
  });

  // Without the limit, each SETTINGS frame is applied and acknowledged.
  it('a flood of SETTINGS frames', async () => {
    const settings = frame(frameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0xff, 0xff]));
    await ports().endure(() => expectClosed(ports()[name], preface, repeated(settings)));
  });

  // Without the limit of input, frames that need no answer keep the processor busy for as long as the peer likes.
  it('floods of frames without an answer', async () => {
    await ports().endure(async () => {
      for (const flood of unanswered) await expectClosed(ports()[name], openCall, repeated(flood));
    });
  });

  // Without the limit, the headers of one request grow until the memory is full.
  it('a flood of CONTINUATION frames', async () => {
    const start = Buffer.concat([preface, frame(frameType.headers, 0, 1, headersOf([[':method', 'POST']]))]);
    const more = frame(continuation, 0, 1, headersOf([['x-one', 'y'.repeat(100)]]));
    const state = await ports().endure(() => expectClosed(ports()[name], start, repeated(more)));
    expect(state.memory).toBeLessThan(maxMemory);
  });

  // Without the limit, each cancelled request costs the work of a whole one, and 490,000 of them left 220 MiB.
  it('rapid resets on one connection', async () => {
    await ports().endure(async () => {
      const connection = await new RawConnection(ports()[name]).opened();
      connection.socket.write(cancelledCalls(path, 2_000));
      await expect.poll(() => connection.isClosed).toBe(true);
    });
  });

  it('rapid resets over many connections', async () => {
    const state = await ports().endure(async () => {
      const calls = cancelledCalls(path, 400);
      for (let round = 0; round < 6; round++) {
        const connections = Array.from({ length: 25 }, () => new RawConnection(ports()[name]));
        for (const { socket } of connections) socket.write(calls);
        await expect.poll(() => connections.every(({ isClosed }) => isClosed)).toBe(true);
      }
    });
    expect(state.memory).toBeLessThan(maxMemory);
  });

  // Without the limit of the size of headers, 64 KiB of references to one header expand to 60 MiB for each request.
  it('headers that expand', async () => {
    const large = headersOf([['x-large', 'y'.repeat(4_000)]], true);
    const references = Buffer.alloc(12_000, 0x80 | 62);
    const state = await ports().endure(async () => {
      for (let round = 0; round < 5; round++) {
        const connection = await new RawConnection(ports()[name]).opened();
        connection.socket.write(preface);
        for (let stream = 1; stream < 80; stream += 2) {
          const block = Buffer.concat([stream === 1 ? large : nothing, call.subarray(0, 2), references]);
          connection.socket.write(frame(frameType.headers, flag.endHeaders | flag.endStream, stream, block));
        }
        await expect.poll(() => connection.frames.length).toBeGreaterThan(1);
        connection.socket.destroy();
      }
    });
    expect(state.memory).toBeLessThan(maxMemory);
  });

  // Without the time-out, responses that nobody reads stay in memory.
  it('readers without a window', async () => {
    const noWindow = frame(frameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
    const body = grpcMessage(nothing);
    const state = await ports().endure(async () => {
      const connections = Array.from({ length: 10 }, () => new RawConnection(ports()[name]));
      for (const connection of connections) {
        await connection.opened();
        connection.socket.write(Buffer.concat([preface, noWindow]));
        for (let stream = 1; stream < 200; stream += 2) {
          const block = headerBlock(path, 'localhost', stream === 1);
          const request = [
            frame(frameType.headers, flag.endHeaders, stream, block),
            frame(frameType.data, flag.endStream, stream, body),
          ];
          connection.socket.write(Buffer.concat(request));
        }
      }
      await expect.poll(() => connections.every(({ isClosed }) => isClosed)).toBe(true);
    });
    expect(state.memory).toBeLessThan(maxMemory);
  });

  // Without checks, bytes that are no HTTP/2 could throw in the server, or leave a connection.
  it('malformed prefaces, malformed frames and garbage', async () => {
    await ports().endure(async () => {
      for (const bytes of malformed) {
        const connection = await new RawConnection(ports()[name]).opened();
        connection.socket.write(bytes);
        await expect.poll(() => connection.isClosed).toBe(true);
      }
    });
  });
});
