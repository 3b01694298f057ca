/** Frame types of HTTP/2 (RFC 9113) that the load uses. */
export const frameType = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;

export const flag = { endStream: 0x1, acknowledgement: 0x1, endHeaders: 0x4 } as const;

const headLength = 9;

/** Encodes a frame. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(headLength + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, headLength);
  return bytes;
}

/** Offset of the stream id in a frame. */
export const streamOffset = 5;

/** Start of a client connection: the preface, its settings, and a maximum window. */
export function clientPreface(): Buffer {
  const initialWindowSize = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
  const wholeWindow = Buffer.alloc(4);
  wholeWindow.writeUInt32BE(2 ** 31 - 1 - 65_535);
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(frameType.settings, 0, 0, initialWindowSize),
    frame(frameType.windowUpdate, 0, 0, wholeWindow),
  ]);
}

/** Encodes a length-prefixed message of gRPC, uncompressed. */
export function grpcMessage(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

const secret = 'x'.repeat(43);

/**
 * Encodes the header block of a gRPC call (HPACK, RFC 7541), as grpc-js sends it. The first one on a connection adds the headers to the
 * dynamic table, and later ones refer to it.
 */
export function headerBlock(path: string, authority: string, isFirst: boolean): Buffer {
  const methodPost = 0x83;
  const schemeHttp = 0x86;
  const headers = [
    literal(':path', path),
    literal(':authority', authority),
    literal('grpc-accept-encoding', 'identity,deflate,gzip'),
    literal('accept-encoding', 'identity'),
    literal('user-agent', 'grpc-node-js/1.14.7'),
    literal('content-type', 'application/grpc'),
    literal('te', 'trailers'),
    // Proves to be the process of its instances.
    literal('kplug-secret', secret),
  ];
  // The dynamic table begins at index 62, with the header that was added last.
  const indexed = headers.map((_, index) => 0x80 | (61 + headers.length - index));
  return Buffer.concat([
    Buffer.from([methodPost, schemeHttp]),
    isFirst ? Buffer.concat(headers) : Buffer.from(indexed),
  ]);
}

function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
}

function text(value: string): Buffer {
  if (value.length > 126) throw new RangeError(`"${value}" is too long for a length of one byte`);
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

/** Header of a received frame. */
export interface FrameHead {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

/** Splits received data into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Returns the frames that are complete with a chunk. */
  *read(chunk: Buffer): Iterable<FrameHead> {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (bytes.length >= headLength) {
      const end = headLength + bytes.readUIntBE(0, 3);
      if (bytes.length < end) break;
      yield {
        type: bytes.readUInt8(3),
        flags: bytes.readUInt8(4),
        stream: bytes.readUInt32BE(streamOffset) & 0x7fff_ffff,
        payload: bytes.subarray(headLength, end),
      };
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
  }
}
