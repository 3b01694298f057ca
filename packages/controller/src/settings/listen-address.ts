import { KplugError, messageOf } from '../errors.ts';

/** Address to listen on. An empty host means all interfaces, port 0 any free port. */
export interface ListenAddress {
  host: string;
  port: number;
}

/** Parses `host:port`, `[ipv6]:port` or `:port`. Throws `InvalidConfiguration`, which names the option. */
export function parseListenAddress(text: string, option: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]*)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new KplugError('InvalidConfiguration', `${option} "${text}" is malformed; use host:port or :port`);
  }
  return { host: match[1] ?? match[2] ?? '', port };
}

/** Returns the error for an address that can't be listened on. */
export function listenFailed(option: string, address: string, cause: unknown): KplugError {
  const advice = `stop the process that uses it, or choose another address with ${option}`;
  return new KplugError('PortInUse', `can't listen on ${option} ${address}: ${messageOf(cause)}; ${advice}`, { cause });
}
