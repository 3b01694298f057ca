import { expect, it } from 'vitest';
import { isLocalPeer, isSameMachine, peerOf } from './peer-of.ts';

it.each([
  ['10.0.0.7', '10.0.0.7'],
  ['::ffff:10.0.0.7', '10.0.0.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:DB8::9', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  [undefined, ''],
])('counts %s for the peer %s', (address, peer) => expect(peerOf(address)).toBe(peer));

it('recognizes the machine itself', () => {
  expect(['127.0.0.1', '::1', '::ffff:127.0.0.2'].map((address) => isLocalPeer(peerOf(address)))).toEqual([
    true,
    true,
    true,
  ]);
  expect(isLocalPeer(peerOf('2001:db8::1'))).toBe(false);
});

it.each([
  ['127.0.0.1', '127.0.0.1', true],
  ['::1', '::1', true],
  ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
  ['10.0.0.7', '10.0.0.7', true],
  ['127.0.0.6', '10.0.0.7', false],
  ['::1', 'fd00::7', false],
  ['10.0.0.8', '10.0.0.7', false],
  ['10.0.0.8', '127.0.0.1', false],
  ['fd00::8', 'fd00::7', false],
])('a connection from %s to %s is of this machine: %s', (remoteAddress, localAddress, expected) => {
  expect(isSameMachine({ remoteAddress, localAddress })).toBe(expected);
});

it('a connection without addresses is of no machine', () => {
  expect(isSameMachine({ remoteAddress: undefined, localAddress: undefined })).toBe(false);
});
