import { parseAddress } from '../registry/address.ts';
import { rangeOf } from '../registry/address-range.ts';

/** Returns the address at which processes on this machine reach a listening address. */
export function localAddress(listening: string): string {
  const { host = '', port = 0 } = parseAddress(listening) ?? {};
  return host === 'localhost' || rangeOf(host) === 'unspecified' || !host ? `127.0.0.1:${port}` : listening;
}
