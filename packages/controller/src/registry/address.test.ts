import { describe, expect, it } from 'vitest';
import { formatAddress, isLinkLocal, isLoopback, isSameAddress, isUnspecified, parseAddress } from './address.ts';

describe('parseAddress', () => {
  it.each([
    ['db.example:7000', { host: 'db.example', port: 7000 }],
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
    ['[2001:db8::1]:65535', { host: '2001:db8::1', port: 65_535 }],
    [':7000', { host: '', port: 7000 }],
  ])('reads %s', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(formatAddress(address)).toBe(text);
  });

  it.each([
    '',
    'host',
    'host:0',
    'host:65536',
    'host:port',
    'http://host:1',
    '[nonsense]:1',
    '::1:7000',
    'a b:1',
    'unix:/x',
  ])('rejects "%s"', (text) => expect(parseAddress(text)).toBeUndefined());
});

describe('isSameAddress', () => {
  it.each([
    ['db.example:7000', 'DB.Example:7000', true],
    ['[2001:db8::1]:7000', '[2001:DB8:0:0:0:0:0:1]:7000', true],
    ['db.example:7000', 'db.example:7001', false],
    ['10.0.0.1:7000', '10.0.0.2:7000', false],
  ])('compares %s and %s', (a, b, expected) => expect(isSameAddress(a, b)).toBe(expected));
});

describe('classes of addresses', () => {
  it.each(['localhost', 'db.localhost', '127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])(
    '%s is loopback',
    (host) => expect(isLoopback(host)).toBe(true),
  );
  it.each(['10.0.0.1', 'example.org', '2001:db8::1'])('%s is not loopback', (host) =>
    expect(isLoopback(host)).toBe(false),
  );
  it.each(['169.254.169.254', 'fe80::1', '::ffff:169.254.169.254'])('%s is link-local', (host) =>
    expect(isLinkLocal(host)).toBe(true),
  );
  it.each(['0.0.0.0', '::', '224.0.0.1'])('%s is unspecified or multicast', (host) =>
    expect(isUnspecified(host)).toBe(true),
  );
});
