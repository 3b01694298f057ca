import { RefusalReason } from '@kplug/protocol';
import ipaddr from 'ipaddr.js';
import { KplugError } from '../../errors.ts';
import { RefusedRegistration } from '../../registry/refusal.ts';
import type { PodLocator } from '../../resources/services/pod-locator.ts';

type Cidr = ReturnType<typeof ipaddr.parseCIDR>;

/** Sources whose v0 plugins are accepted: namespaces of a cluster, and ranges of addresses. */
export class V0Sources {
  readonly #text: string;
  readonly #ranges: readonly Cidr[];
  readonly #pods: PodLocator | undefined;

  /**
   * Throws `InvalidConfiguration`.
   *
   * @param entries names of namespaces, CIDRs and IP addresses.
   * @param locatePods finds the pods of namespaces; missing without a cluster.
   */
  constructor(entries: readonly string[], locatePods: ((namespaces: readonly string[]) => PodLocator) | undefined) {
    if (entries.length === 0) throw invalid('insecurePluginsFrom is empty; add a source, or remove it to accept all');
    const namespaces = entries.filter((entry) => namespacePattern.test(entry));
    const ranges = entries.filter((entry) => !namespacePattern.test(entry));
    if (namespaces.length > 0 && !locatePods) {
      throw invalid(
        `insecurePluginsFrom names the namespace ${namespaces[0]}, and this operator runs on no cluster; use CIDRs`,
      );
    }
    this.#ranges = ranges.map(parseRange);
    this.#pods = namespaces.length > 0 ? locatePods?.(namespaces) : undefined;
    this.#text = [...namespaces.map((name) => `the namespace ${name}`), ...ranges].join(', ');
  }

  async start(): Promise<void> {
    await this.#pods?.start();
  }

  async stop(): Promise<void> {
    await this.#pods?.stop();
  }

  /**
   * Checks the source of a heartbeat. Returns the pod that sent it, if it is accepted for its namespace. Throws `RefusedRegistration`.
   *
   * @param peer IP address.
   */
  check(peer: string): { namespace: string; name: string } | undefined {
    if (this.#ranges.some((range) => isIn(range, peer))) return undefined;
    const pod = this.#pods?.podAt(peer);
    if (pod) return pod;
    const problem = this.#pods?.problem;
    throw new RefusedRegistration(
      RefusalReason.FORBIDDEN,
      `plugins of the first Kplug's protocol are accepted from ${this.#text} only, and this heartbeat came from ${peer}; ` +
        'add its namespace or address to --insecure-plugins-from (insecurePluginsFrom in code, heartbeat.insecurePluginsFrom in the chart), ' +
        `or upgrade the plugin to kplug.v1${problem === undefined ? '' : `; pods can't be read: ${problem}`}`,
    );
  }
}

const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function parseRange(text: string): Cidr {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) throw new TypeError('not an address');
    const address = ipaddr.parse(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128] as Cidr;
  } catch (cause) {
    throw invalid(
      `insecurePluginsFrom "${text}" is malformed; use the name of a namespace, or a CIDR such as 10.1.0.0/16`,
      cause,
    );
  }
}

function isIn(range: Cidr, ip: string): boolean {
  if (!ipaddr.isValid(ip)) return false;
  const address = ipaddr.process(ip);
  return range[0].kind() === address.kind() && address.match(range as never);
}

function invalid(message: string, cause?: unknown): KplugError {
  return new KplugError('InvalidConfiguration', message, { cause });
}
