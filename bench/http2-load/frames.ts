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
 * dynamic table, and later ones refer to it. A token is sent with each call and never added to the table.
 *
 * @param token token of the plugin; calls with one are made by TLS.
 */
export function headerBlock(path: string, authority: string, isFirst: boolean, token?: string): Buffer {
  const methodPost = 0x83;
  const scheme = token === undefined ? 0x86 : 0x87;
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
    Buffer.from([methodPost, scheme]),
    isFirst ? Buffer.concat(headers) : Buffer.from(indexed),
    ...(token === undefined ? [] : [Buffer.from([neverIndexed]), text('authorization'), text(`Bearer ${token}`)]),
  ]);
}

/** First byte of a header that no table may keep, with a literal name. */
const neverIndexed = 0x10;

function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
}

function text(value: string): Buffer {
  return Buffer.concat([prefixedLength(value.length), Buffer.from(value, 'latin1')]);
}

/** Encodes the length of a text, with a prefix of 7 bits (RFC 7541, section 5.1). */
function prefixedLength(length: number): Buffer {
  if (length < 127) return Buffer.from([length]);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
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
