import { limits } from '../limits/limits.ts';
import { visitAll } from '../queue/slices.ts';
import type { Instance } from '../registry/instance.ts';
import { sizeOf } from '../registry/registration-bounds.ts';

const { maxListedInstances, maxListedSize, maxListedApis, maxListedVersions } = limits.pluginResources;
const { maxListedCapabilities, maxListedCapabilityVersions } = limits.pluginResources;

/** API that instances implement. */
export interface ApiSummary {
  readonly versions: Set<string>;
  /** Number of live instances that implement it. */
  live: number;
  /** Number of live instances that serve it now. */
  serving: number;
}

/** Summary of the instances of a plugin, all that its record needs of them. */
export class InstanceSummary {
  size = 0;
  /** Number of live instances. */
  live = 0;
  /** Time of the last heartbeat of any instance, in milliseconds since the epoch. */
  lastHeardAt = 0;
  first: Instance | undefined;
  firstLive: Instance | undefined;
  /** Instances that the record lists. */
  readonly listed: Instance[] = [];
  #listedSize = 0;
  /** APIs by name, in order of appearance. */
  readonly apis = new Map<string, ApiSummary>();
  /** Versions of the capabilities that they provide, by `category/type`. */
  readonly provided = new Map<string, Set<string>>();

  add(instance: Instance): void {
    const isLive = instance.state === 'live';
    this.size++;
    this.first ??= instance;
    if (isLive) {
      this.live++;
      this.firstLive ??= instance;
    }
    this.lastHeardAt = Math.max(this.lastHeardAt, instance.lastHeardAt);
    this.#list(instance);
    for (const { name, version } of instance.registration.apis) {
      let api = this.apis.get(name);
      if (!api) {
        if (this.apis.size === maxListedApis) continue;
        api = { versions: new Set(), live: 0, serving: 0 };
        this.apis.set(name, api);
      }
      if (api.versions.size < maxListedVersions) api.versions.add(version.version);
      if (!isLive) continue;
      api.live++;
      if (!instance.unserved.has(name)) api.serving++;
    }
    this.#addProvided(instance);
  }

  #addProvided({ registration: { apis } }: Instance): void {
    for (const { category, type, versions } of apis.flatMap(({ provides }) => provides)) {
      const name = `${category}/${type}`;
      const known = this.provided.get(name) ?? new Set();
      if (known.size === 0 && this.provided.size === maxListedCapabilities) continue;
      for (const version of versions) if (known.size < maxListedCapabilityVersions) known.add(version);
      this.provided.set(name, known);
    }
  }

  #list(instance: Instance): void {
    const size = sizeOf(instance.registration) + instance.stateReason.length;
    if (this.listed.length === maxListedInstances || this.#listedSize + size > maxListedSize) return;
    this.listed.push(instance);
    this.#listedSize += size;
  }
}

/** Summarizes instances, in slices. */
export async function summarize(instances: Iterable<Instance>): Promise<InstanceSummary> {
  const summary = new InstanceSummary();
  await visitAll(instances, (instance) => summary.add(instance));
  return summary;
}
