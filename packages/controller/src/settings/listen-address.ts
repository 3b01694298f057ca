import { KplugError } from '../errors.ts';

/** Where to listen. An empty host means every interface, port 0 any free port. */
export interface ListenAddress {
  host: string;
  port: number;
}

/** Reads `host:port`, `[ipv6]:port` or `:port`. Throws `InvalidConfiguration`, naming the option. */
export function parseListenAddress(text: string, option: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]*)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new KplugError('InvalidConfiguration', `${option} "${text}" is malformed; write host:port or :port`);
  }
  return { host: match[1] ?? match[2] ?? '', port };
}

/** The error for an address that can't be listened on. */
export function listenFailed(option: string, address: string, cause: unknown): KplugError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const advice = 'stop what listens there, or choose another address';
  return new KplugError('PortInUse', `can't listen on ${option} ${address}: ${reason}; ${advice}`, { cause });
}
