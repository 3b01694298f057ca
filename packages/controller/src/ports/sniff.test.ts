import { expect, it } from 'vitest';
import { protocolOf } from './sniff.ts';

it.each([
  ['', undefined],
  ['\x16', 'tls'],
  ['P', undefined],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r', undefined],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0', 'http2'],
  ['PRI * HTTP/1.1', 'http1'],
  ['PO', 'http1'],
  ['GET / HTTP/1.1', 'http1'],
  ['\0\x01', 'http1'],
])('tells the protocol of %j', (text, protocol) => expect(protocolOf(Buffer.from(text, 'latin1'))).toBe(protocol));
