import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { RefusalReason } from '@kplug/protocol';
import { messageOf } from '../errors.ts';
import { type Address, formatAddress, isLoopback, isSameAddress, parseAddress } from './address.ts';
import { type AddressRange, canonicalHost, isOddIPv4, rangeOf } from './address-range.ts';
import { malformed, RefusedRegistration } from './refusal.ts';

/** Addresses that plugins may register. */
export interface AddressPolicy {
  /** Allows loopback addresses. Default: only from plugins whose heartbeats come from a loopback address. */
  allowLoopback?: boolean;
  /** Allows link-local addresses, such as the metadata services of clouds. Default false. */
  allowLinkLocal?: boolean;
  /** Addresses that no plugin may register, as `host:port`. Default: that of the API server on a cluster, none elsewhere. */
  reserved?: readonly string[];
}

/** Resolves a host name to its IP addresses. */
export type ResolveHost = (host: string) => Promise<string[]>;

/** Checks the addresses that plugins register, by what they resolve to. */
export class AddressChecker {
  readonly #policy: AddressPolicy;
  readonly #resolve: ResolveHost;

  constructor(policy: AddressPolicy, resolve: ResolveHost = lookupAll) {
    this.#policy = policy;
    this.#resolve = resolve;
  }

  /** Reads an address, and completes it with the host of the peer if it has none. Throws `RefusedRegistration`. */
  read(text: string, peer: string, isHosted: boolean): string {
    const address = parseAddress(text);
    if (!address) throw malformed('address', text, syntax);
    const host = address.host || peer;
    if (isOddIPv4(host)) throw notAllowed(text, 'write an IPv4 address as four decimal numbers');
    this.#check(text, { host, port: address.port }, peer, isHosted);
    return formatAddress({ host, port: address.port });
  }

  /** Resolves an address that was read, and checks all of its IP addresses. Rejects with `RefusedRegistration`. */
  async resolve(text: string, peer: string, isHosted: boolean): Promise<string> {
    const { host = '', port = 0 } = parseAddress(text) ?? {};
    if (isIP(host)) return formatAddress({ host: canonicalHost(host), port });
    const hosts = await this.#lookUp(host, text);
    const reserved = await this.#resolveReserved();
    for (const found of hosts) {
      const address = { host: found, port };
      this.#check(text, address, peer, isHosted);
      if (reserved.some((one) => isSameAddress(one, formatAddress(address)))) throw notAllowed(text, ofApiServer);
    }
    return formatAddress({ host: canonicalHost(hosts[0] ?? ''), port });
  }

  #check(text: string, address: Address, peer: string, isHosted: boolean): void {
    const { reserved = [] } = this.#policy;
    const range = isLoopback(address.host) ? 'loopback' : rangeOf(address.host);
    if (range && !this.#allows(range, peer, isHosted)) throw notAllowed(text, reasons[range]);
    if (reserved.some((one) => isSameAddress(one, formatAddress(address)))) throw notAllowed(text, ofApiServer);
  }

  #allows(range: AddressRange, peer: string, isHosted: boolean): boolean {
    const { allowLoopback = isLoopback(peer), allowLinkLocal = false } = this.#policy;
    if (range === 'loopback') return isHosted || allowLoopback;
    return range === 'link-local' && allowLinkLocal;
  }

  async #lookUp(host: string, text: string): Promise<string[]> {
    try {
      const hosts = await this.#resolve(canonicalHost(host));
      if (hosts.length > 0) return hosts;
    } catch (error) {
      throw notAllowed(text, `its host can't be resolved: ${messageOf(error)}; correct it or the DNS`);
    }
    throw notAllowed(text, 'its host has no address; correct it or the DNS');
  }

  /** Returns the reserved addresses whose hosts are names, by what these resolve to. One that can't be resolved reserves nothing. */
  async #resolveReserved(): Promise<string[]> {
    const { reserved = [] } = this.#policy;
    const resolved = reserved.map(async (text) => {
      const { host = '', port = 0 } = parseAddress(text) ?? {};
      if (isIP(host)) return [text];
      const hosts = await this.#resolve(host).catch(() => []);
      return hosts.map((one) => formatAddress({ host: one, port }));
    });
    return (await Promise.all(resolved)).flat();
  }
}

/** Resolves as the system does. */
async function lookupAll(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

const syntax =
  'host:port or [ipv6]:port at which the controller can reach the plugin, with a host of at most 253 characters';

const ofApiServer = 'it is that of the API server';

const reasons: Record<AddressRange, string> = {
  loopback: "it is the controller's own machine; give an address that the controller can reach",
  'link-local': 'it is link-local',
  unspecified: 'it is unspecified or multicast; give the address of one interface',
  multicast: 'it is unspecified or multicast; give the address of one interface',
  metadata: 'it is that of the metadata service of a cloud',
  reserved: 'it is reserved; give the address of one interface',
};

function notAllowed(address: string, why: string): RefusedRegistration {
  return new RefusedRegistration(RefusalReason.ADDRESS_NOT_ALLOWED, `address "${address}" is not allowed: ${why}`);
}
