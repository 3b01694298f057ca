import type net from 'node:net';

/** Protocol that the first bytes of a connection belong to. */
export type FirstProtocol = 'tls' | 'http2' | 'http1';

/** First byte of a TLS record with a handshake message. */
const tlsHandshake = 0x16;

/** First line of the connection preface of HTTP/2 without TLS (RFC 9113, section 3.4). No method of HTTP/1 begins like it. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Returns the protocol that the bytes belong to; `undefined` if there are too few of them to tell. */
export function protocolOf(bytes: Buffer): FirstProtocol | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === tlsHandshake) return 'tls';
  const compared = Math.min(bytes.length, preface.length);
  if (!bytes.subarray(0, compared).equals(preface.subarray(0, compared))) return 'http1';
  return compared === preface.length ? 'http2' : undefined;
}

/**
 * Calls back with the protocol of a connection, as soon as its first bytes tell. The socket is paused then, with the bytes still to be
 * read.
 */
export function sniff(socket: net.Socket, onByte: () => void, onProtocol: (protocol: FirstProtocol) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    if (bytes.length === 0) onByte();
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const protocol = protocolOf(bytes);
    if (!protocol) return;
    socket.off('data', onData);
    socket.pause();
    socket.unshift(bytes);
    onProtocol(protocol);
  };
  socket.on('data', onData);
}
