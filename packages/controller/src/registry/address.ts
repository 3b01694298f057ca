import { isIPv6 } from 'node:net';
import { limits } from '../limits/limits.ts';
import { canonicalHost, rangeOf } from './address-range.ts';

const { maxHostLength } = limits.registrations;

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
  if (port < 1 || port > 65_535 || name.length > maxHostLength) return undefined;
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: ipv6, port } : undefined;
  return { host: name, port };
}

/** Formats an address as `parseAddress` reads it. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reports whether a host is this machine itself. */
export function isLoopback(host: string): boolean {
  const canonical = canonicalHost(host);
  return canonical === 'localhost' || canonical.endsWith('.localhost') || rangeOf(canonical) === 'loopback';
}

/** Reports whether two addresses are equal. Host names are case-insensitive, and IP addresses have several spellings. */
export function isSameAddress(a: string, b: string): boolean {
  return a === b || canonicalAddress(a) === canonicalAddress(b);
}

function canonicalAddress(text: string): string {
  const address = parseAddress(text);
  return address ? formatAddress({ host: canonicalHost(address.host), port: address.port }) : text;
}
