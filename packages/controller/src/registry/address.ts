import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Host and port. */
export interface Address {
  host: string;
  port: number;
}

/** Parses `host:port` or `[ipv6]:port`; the host may be empty. Returns `undefined` for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]*)):([0-9]{1,5})$/.exec(text);
  if (!match) return undefined;
  const [, ipv6, name = '', digits] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: ipv6, port } : undefined;
  return { host: name, port };
}

/** Formats an address as `parseAddress` reads it. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reports whether a host is this machine itself. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isIn(loopback, host);
}

/** Reports whether a host is a link-local address, such as the metadata service of a cloud. */
export function isLinkLocal(host: string): boolean {
  return isIn(linkLocal, host);
}

/** Reports whether a host is an unspecified or multicast address, to which no connection from elsewhere is possible. */
export function isUnspecified(host: string): boolean {
  return isIn(unspecified, host);
}

/** Reports whether two addresses are equal. Host names are case-insensitive, and an IPv6 address has several spellings. */
export function isSameAddress(a: string, b: string): boolean {
  return a === b || canonicalAddress(a) === canonicalAddress(b);
}

function canonicalAddress(text: string): string {
  const address = parseAddress(text);
  if (!address) return text;
  const { host, port } = address;
  if (!isIPv6(host)) return formatAddress({ host: host.toLowerCase(), port });
  return formatAddress({ host: new SocketAddress({ address: host, family: 'ipv6' }).address, port });
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');

const unspecified = new BlockList();
unspecified.addSubnet('0.0.0.0', 8, 'ipv4');
unspecified.addAddress('::', 'ipv6');
unspecified.addSubnet('224.0.0.0', 4, 'ipv4');
unspecified.addSubnet('ff00::', 8, 'ipv6');

function isIn(list: BlockList, host: string): boolean {
  // BlockList checks IPv4-mapped IPv6 addresses (::ffff:127.0.0.1) by their IPv4 part.
  if (isIPv4(host)) return list.check(host, 'ipv4');
  return isIPv6(host) && list.check(host, 'ipv6');
}
