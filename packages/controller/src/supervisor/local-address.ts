import { isUnspecified, parseAddress } from '../registry/address.ts';

/** Returns the address at which processes on this machine reach a listening address. */
export function localAddress(listening: string): string {
  const { host = '', port = 0 } = parseAddress(listening) ?? {};
  return host === 'localhost' || isUnspecified(host) || !host ? `127.0.0.1:${port}` : listening;
}
