import { expect, it } from 'vitest';
import { isLocalPeer, peerOf } from './peer-of.ts';

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
