import { isIPv6 } from 'node:net';

/** Writes a host and a port as everybody does: an IPv6 address in brackets. */
export function hostAndPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
