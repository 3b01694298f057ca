import { describe, expect, it } from 'vitest';
import { parseListenAddress } from './listen-address.ts';

describe('parseListenAddress', () => {
  it.each([
    [':50050', { host: '', port: 50_050 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:8081', { host: '::1', port: 8_081 }],
  ])('parses %s', (text, address) => expect(parseListenAddress(text, 'the address')).toEqual(address));

  it.each(['', '50050', 'host', 'host:', 'host:99999', '::1:80'])('rejects "%s" and names the option', (text) => {
    expect(() => parseListenAddress(text, '--grpc-bind-address')).toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message: expect.stringContaining(`--grpc-bind-address "${text}"`),
      }),
    );
  });
});
