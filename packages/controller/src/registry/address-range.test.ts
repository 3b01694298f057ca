import { expect, it } from 'vitest';
import { canonicalHost, isOddIPv4, rangeOf } from './address-range.ts';

it.each([
  ['127.0.0.1', 'loopback'],
  ['127.255.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::127.0.0.1', 'loopback'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['169.254.169.254', 'link-local'],
  ['::ffff:169.254.169.254', 'link-local'],
  ['64:ff9b::a9fe:a9fe', 'link-local'],
  ['fe80::1', 'link-local'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['::', 'unspecified'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'multicast'],
  ['ff02::1', 'multicast'],
  ['fd00:ec2::254', 'metadata'],
  ['fd00:ec2::23', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['192.0.0.192', 'metadata'],
  ['240.0.0.1', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['2002:7f00:1::', 'reserved'],
  ['2001::1', 'reserved'],
  ['100::1', 'reserved'],
])('%s is %s', (host, range) => expect(rangeOf(host)).toBe(range));

it.each([
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '8.8.8.8',
  '192.0.2.1',
  '2001:db8::1',
  'fd12:3456::1',
  '2606:4700::1',
  '64:ff9b::808:808',
  'example.org',
])('%s may be the address of a plugin', (host) => expect(rangeOf(host)).toBeUndefined());

it.each(['127.1', '2130706433', '0x7f.1', '0x7f000001', '0177.0.0.1', '127.0.0.01', '10.96.1', '0'])(
  '%s is an IPv4 address in an odd spelling',
  (host) => expect(isOddIPv4(host)).toBe(true),
);

it.each(['127.0.0.1', 'example.org', '10-0-0-1.pods.svc', '1.2.3.4.example.org', '::1'])('%s is none', (host) =>
  expect(isOddIPv4(host)).toBe(false),
);

it.each([
  ['LOCALHOST', 'localhost'],
  ['Example.ORG..', 'example.org'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
])('%s is %s in its canonical spelling', (host, canonical) => expect(canonicalHost(host)).toBe(canonical));
