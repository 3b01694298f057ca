import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf } from '../errors.ts';
import { formatAddress, parseAddress } from '../registry/address.ts';
import { ProbeFailure } from './probe-failure.ts';

/** Whether an address names a host, so that where it leads may change. */
export function isNamed(address: string): boolean {
  const host = parseAddress(address)?.host;
  return host !== undefined && isIP(host) === 0;
}

/** The addresses that a `host:port` stands for now: several for a name that has several. Rejects with a `ProbeFailure`. */
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
    const message = `the host ${host} can't be found: ${messageOf(cause)}; correct the address, or the DNS`;
    throw new ProbeFailure('AddressNotResolved', message, { cause });
  }
}
