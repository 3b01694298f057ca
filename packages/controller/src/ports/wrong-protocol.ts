/** HTTP version, by its name in ALPN. */
export type HttpVersion = 'h2' | 'http/1.1';

const message = 'this port requires TLS';

/** Answer to a client that sends plain text to a port that requires TLS, in the client's HTTP version. */
export function plainTextRefusal(version: HttpVersion): Buffer {
  return version === 'h2' ? goAway() : Buffer.from(badRequest());
}

function badRequest(): string {
  const body = `${message}; use https\n`;
  const headers = ['content-type: text/plain; charset=utf-8', `content-length: ${body.length}`, 'connection: close'];
  return ['HTTP/1.1 400 Bad Request', ...headers, '', body].join('\r\n');
}

/** Frames SETTINGS and GOAWAY with the error INADEQUATE_SECURITY (RFC 9113, sections 6.5 and 6.8). */
function goAway(): Buffer {
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const debug = Buffer.from(message);
  const header = Buffer.from([0, 0, 8 + debug.length, 7, 0, 0, 0, 0, 0]);
  const lastStreamAndCode = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0xc]);
  return Buffer.concat([settings, header, lastStreamAndCode, debug]);
}
