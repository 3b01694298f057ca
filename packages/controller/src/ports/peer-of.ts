import { isIPv4, isIPv6, SocketAddress } from 'node:net';

const mappedPrefix = '::ffff:';

/**
 * Returns the peer that an address counts for: the address itself for IPv4, also if mapped to IPv6, and the /64 network for IPv6, as one
 * host usually has all of its addresses.
 */
export function peerOf(address: string | undefined): string {
  const [host = ''] = (address ?? '').split('%', 1);
  if (host.toLowerCase().startsWith(mappedPrefix)) {
    const mapped = host.slice(mappedPrefix.length);
    if (isIPv4(mapped)) return mapped;
  }
  if (!isIPv6(host)) return host;
  return `${network(new SocketAddress({ address: host, family: 'ipv6' }).address)}::/64`;
}

/** Reports whether a peer is this machine itself, whose processes all share one address. */
export function isLocalPeer(peer: string): boolean {
  return peer.startsWith('127.') || peer === '0:0:0:0::/64';
}

/** Returns the first four groups of an IPv6 address. */
function network(address: string): string {
  const [head = '', tail = ''] = address.split('::', 2);
  const groups = (text: string) => text.split(':').filter((group) => group !== '');
  const first = groups(head);
  const last = groups(tail);
  const zeros = address.includes('::') ? Array<string>(8 - first.length - last.length).fill('0') : [];
  return [...first, ...zeros, ...last].slice(0, 4).join(':');
}

/**
 * Reports whether both ends of a connection are of one network namespace: a process of this machine or pod. The address of the peer
 * alone doesn't say so, as proxies of service meshes connect from a loopback address on behalf of others.
 */
export function isSameMachine({ remoteAddress, localAddress }: Ends): boolean {
  if (remoteAddress === undefined || localAddress === undefined) return false;
  if (isLocalPeer(peerOf(remoteAddress))) return isLocalPeer(peerOf(localAddress));
  return remoteAddress === localAddress;
}

/** Addresses of both ends of a connection. */
interface Ends {
  remoteAddress?: string | undefined;
  localAddress?: string | undefined;
}
