import type { ResourceChange } from '../port.ts';
import { asArray, asObject } from '../read-json.ts';
import type { Resource } from '../resource.ts';
import type { PodLocator } from '../services/pod-locator.ts';
import { KindFollower } from './kind-follower.ts';
import type { PodFollowerParts } from './pod-follower.ts';

/** Parts that a locator needs. */
export interface PodLocatorParts extends Omit<PodFollowerParts, 'namespace'> {
  /** Namespaces of the pods. At least one. */
  namespaces: readonly string[];
}

/** Follows the pods of some namespaces, and finds them by address. When that is forbidden, it logs the problem and finds none. */
export class KubernetesPodLocator implements PodLocator {
  readonly #parts: PodLocatorParts;
  readonly #pods = new Map<string, { namespace: string; name: string }>();
  /** Addresses by namespace and name. */
  readonly #addresses = new Map<string, readonly string[]>();
  #follower: KindFollower | undefined;

  constructor(parts: PodLocatorParts) {
    this.#parts = parts;
  }

  get problem(): string | undefined {
    return this.#follower?.problem?.message;
  }

  async start(): Promise<void> {
    const { logger, ...parts } = this.#parts;
    this.#follower ??= new KindFollower({
      ...parts,
      kind: { apiVersion: 'v1', kind: 'Pod' },
      isBeingWritten: () => false,
      onChange: (change) => this.#update(change),
      onProblem: (problem) => {
        if (problem)
          logger.warn({ reason: problem.reason }, `pods can't be found by their addresses: ${problem.message}`);
      },
      onUnreadable: (error) => logger.error({ err: error }, `the API server sent ${error.message}; listing pods again`),
    });
    await this.#follower.known;
  }

  podAt(ip: string): { namespace: string; name: string } | undefined {
    return this.#pods.get(ip);
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  #update({ resource, gone }: ResourceChange): void {
    const { namespace = '', name } = resource.metadata;
    const key = `${namespace}/${name}`;
    for (const ip of this.#addresses.get(key) ?? []) {
      const pod = this.#pods.get(ip);
      // Another pod may have got the address meanwhile.
      if (pod?.namespace === namespace && pod.name === name) this.#pods.delete(ip);
    }
    const ips = gone ? [] : addressesOf(resource);
    for (const ip of ips) this.#pods.set(ip, { namespace, name });
    if (ips.length > 0) this.#addresses.set(key, ips);
    else this.#addresses.delete(key);
  }
}

/** Returns the addresses that a pod has for itself. A pod that has ended has none any more. */
function addressesOf({ spec, status = {} }: Resource): string[] {
  if (asObject(spec).hostNetwork === true || status.phase === 'Failed' || status.phase === 'Succeeded') return [];
  return asArray(status.podIPs)
    .map((entry) => asObject(entry).ip)
    .filter((ip) => typeof ip === 'string');
}
