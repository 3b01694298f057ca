import { isUnspecified, parseAddress } from '../registry/address.ts';

/** How a process on this machine reaches what listens at an address. */
export function localAddress(listening: string): string {
  const { host = '', port = 0 } = parseAddress(listening) ?? {};
  return host === 'localhost' || isUnspecified(host) || !host ? `127.0.0.1:${port}` : listening;
}
