import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf } from '../errors.ts';
import { formatAddress, parseAddress } from '../registry/address.ts';
import { ProbeFailure } from './probe-failure.ts';

/** Reports whether the host of an address is a name, which may resolve to other addresses later. */
export function isNamed(address: string): boolean {
  const host = parseAddress(address)?.host;
  return host !== undefined && isIP(host) === 0;
}

/** Resolves `host:port` to all of its numeric addresses. Rejects with a `ProbeFailure`. */
export async function resolveAddress(address: string): Promise<string[]> {
  const parsed = parseAddress(address);
  if (!parsed?.host) {
    const message = `the address "${address}" is malformed; it must be host:port or [ipv6]:port`;
    throw new ProbeFailure('AddressMalformed', message);
  }
  const { host, port } = parsed;
  if (isIP(host)) return [formatAddress(parsed)];
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map((one) => formatAddress({ host: one.address, port })))];
  } catch (cause) {
    const message = `the host ${host} can't be resolved: ${messageOf(cause)}; correct the address or the DNS`;
    throw new ProbeFailure('AddressNotResolved', message, { cause });
  }
}
