import ipaddr from 'ipaddr.js';

type Range = ReturnType<typeof ipaddr.parseCIDR>;

/** Kind of address to which no plugin is called, unless that is allowed. */
export type AddressRange = 'loopback' | 'link-local' | 'unspecified' | 'multicast' | 'metadata' | 'reserved';

/**
 * Addresses of the metadata services of clouds, which hand out credentials, outside of the link-local range: AWS (IPv6), Google (IPv6),
 * Azure, Alibaba and Oracle, as their documentation names them.
 */
const metadata = ['fd00:ec2::/32', 'fd20:ce::254/128', '168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32'].map(
  (text) => ipaddr.parseCIDR(text),
);

/** Addresses for documentation (RFC 5737, RFC 3849), which test networks use. No service of others has one. */
const documentation = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32'].map((text) =>
  ipaddr.parseCIDR(text),
);

/** Ranges of ipaddr.js in which plugins may be: public, private, and those of carriers, which some clusters use for pods. */
const allowed = new Set(['unicast', 'private', 'uniqueLocal', 'carrierGradeNat']);

const names: Record<string, AddressRange> = {
  loopback: 'loopback',
  linkLocal: 'link-local',
  unspecified: 'unspecified',
  multicast: 'multicast',
  broadcast: 'multicast',
};

/**
 * Returns the range of an IP address that plugins may not have; `undefined` for an address that they may have, and for a name. An IPv4
 * address within an IPv6 one (mapped, NAT64) counts as itself.
 */
export function rangeOf(host: string): AddressRange | undefined {
  if (!ipaddr.isValid(host)) return undefined;
  const address = unwrap(ipaddr.process(host));
  if (isIn(metadata, address)) return 'metadata';
  if (isIn(documentation, address)) return undefined;
  // 0.0.0.0/8 is "this network" (RFC 1122, section 3.2.1.3), and the system takes it for this machine.
  if (address instanceof ipaddr.IPv4 && address.octets[0] === 0) return 'unspecified';
  const range = address.range();
  return allowed.has(range) ? undefined : (names[range] ?? 'reserved');
}

function isIn(ranges: readonly Range[], address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return ranges.some((range) => range[0].kind() === address.kind() && address.match(range as never));
}

/** Returns the canonical spelling of an IP address; a name in lower case and without a dot at its end. */
export function canonicalHost(host: string): string {
  if (ipaddr.IPv6.isValid(host) || ipaddr.IPv4.isValidFourPartDecimal(host)) return ipaddr.process(host).toString();
  return host.toLowerCase().replace(/\.+$/, '');
}

/** Reports whether a host is an IPv4 address in another spelling than four decimal numbers, such as `127.1`, `0x7f.1` or `2130706433`. */
export function isOddIPv4(host: string): boolean {
  return !ipaddr.IPv4.isValidFourPartDecimal(host) && /^(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*$/i.test(host);
}

/** Returns the IPv4 address within an IPv6 one: in `64:ff9b::/96` (NAT64, RFC 6052), and in the deprecated `::/96` (RFC 4291). */
function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address;
  const bytes = address.toByteArray();
  const isCompatible = bytes.slice(0, 12).every((byte) => byte === 0) && bytes.slice(12, 15).some((byte) => byte !== 0);
  if (address.range() !== 'rfc6052' && !isCompatible) return address;
  return new ipaddr.IPv4(bytes.slice(12));
}
