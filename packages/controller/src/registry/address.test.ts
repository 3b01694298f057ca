import { describe, expect, it } from 'vitest';
import { formatAddress, isLoopback, isSameAddress, parseAddress } from './address.ts';

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
    `${'a'.repeat(254)}:1`,
  ])('rejects "%s"', (text) => expect(parseAddress(text)).toBeUndefined());
});

describe('isSameAddress', () => {
  it.each([
    ['db.example:7000', 'DB.Example:7000', true],
    ['[2001:db8::1]:7000', '[2001:DB8:0:0:0:0:0:1]:7000', true],
    ['db.example.:7000', 'db.example:7000', true],
    ['[::ffff:10.0.0.1]:7000', '10.0.0.1:7000', true],
    ['db.example:7000', 'db.example:7001', false],
    ['10.0.0.1:7000', '10.0.0.2:7000', false],
  ])('compares %s and %s', (a, b, expected) => expect(isSameAddress(a, b)).toBe(expected));
});

describe('isLoopback', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    'db.localhost',
    '127.0.0.1',
    '127.8.9.1',
    '::1',
    '::ffff:127.0.0.1',
  ])('knows %s', (host) => expect(isLoopback(host)).toBe(true));
  it.each(['10.0.0.1', 'example.org', 'fd00::1', 'localhost.example.org'])('does not take %s for it', (host) =>
    expect(isLoopback(host)).toBe(false),
  );
});
