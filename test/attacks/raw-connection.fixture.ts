import { once } from 'node:events';
import net from 'node:net';
import { onTestFinished } from 'vitest';
import { type FrameHead, FrameReader, flag, frame, frameType, headerBlock } from '../../bench/http2-load/frames.ts';

/** Connection to which a test writes any bytes. It reads what comes, unless it is paused, and closes when the test ends. */
export class RawConnection {
  readonly socket: net.Socket;
  readonly frames: FrameHead[] = [];
  text = '';
  isClosed = false;

  constructor(port: number) {
    this.socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    const reader = new FrameReader();
    this.socket.on('data', (chunk: Buffer) => {
      if (this.text.length < 1_000) this.text += chunk.toString('latin1');
      if (this.frames.length < 1_000) this.frames.push(...reader.read(chunk));
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  /** Waits for the connection. Resolves also if it is refused. */
  async opened(): Promise<this> {
    if (this.socket.connecting) await Promise.race([once(this.socket, 'connect'), once(this.socket, 'close')]);
    return this;
  }

  /** Writes the same bytes again and again, until the server closes the connection or a number of bytes is written. Returns that number. */
  async flood(bytes: Buffer, maxBytes: number): Promise<number> {
    let written = 0;
    while (!this.isClosed && written < maxBytes) {
      written += bytes.length;
      if (this.socket.write(bytes) || this.isClosed) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      const ending = new AbortController();
      const { signal } = ending;
      await Promise.race([once(this.socket, 'drain', { signal }), once(this.socket, 'close', { signal })]).catch(
        () => undefined,
      );
      ending.abort();
    }
    return written;
  }
}

/** Opens a number of connections. Some may be refused. */
export async function openMany(port: number, count: number): Promise<RawConnection[]> {
  const connections: RawConnection[] = [];
  while (connections.length < count) {
    const more = Array.from({ length: Math.min(100, count - connections.length) }, () => new RawConnection(port));
    await Promise.all(more.map((one) => one.opened()));
    connections.push(...more);
  }
  return connections;
}

/** Start of a connection of a client with default settings. */
export const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(4, 0, 0, Buffer.alloc(0)),
]);

/** Repeats frames to at least 16 KiB. */
export function repeated(...frames: Buffer[]): Buffer {
  const one = Buffer.concat(frames);
  return Buffer.concat(Array<Buffer>(Math.ceil(16_384 / one.length)).fill(one));
}

/** Start of a connection, with a number of requests that are reset immediately. */
export function cancelledCalls(path: string, count: number): Buffer {
  const calls = Array.from({ length: count }, (_, index) => {
    const stream = 2 * index + 1;
    const headers = headerBlock(path, 'localhost', index === 0);
    return [
      frame(frameType.headers, flag.endHeaders, stream, headers),
      frame(frameType.resetStream, 0, stream, Buffer.from([0, 0, 0, 8])),
    ];
  });
  return Buffer.concat([preface, ...calls.flat()]);
}

/** Encodes headers (HPACK, RFC 7541) literally. @param isIndexed adds them to the dynamic table. */
export function headersOf(headers: readonly (readonly [name: string, value: string])[], isIndexed = false): Buffer {
  const parts = headers.flatMap(([name, value]) => [Buffer.from([isIndexed ? 0x40 : 0]), text(name), text(value)]);
  return Buffer.concat(parts);
}

function text(value: string): Buffer {
  return Buffer.concat([integer(value.length), Buffer.from(value, 'latin1')]);
}

/** Encodes an integer with a prefix of 7 bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
