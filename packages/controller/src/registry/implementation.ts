import { parse, type SemVer } from 'semver';
import { PluginName, type VersionedName } from '../names.ts';
import type { Instance } from './instance.ts';
import type { ImplementedApi, Registration } from './registration.ts';

/**
 * One plugin in one version as the implementation of one API: the unit that selection chooses. All its instances registered the
 * API with the same version, extension kinds and capabilities.
 */
export class Implementation {
  readonly version: string;
  /** Parsed version of the plugin. */
  readonly semver: SemVer;
  readonly api: ImplementedApi;
  readonly #instances = new Set<Instance>();
  #plugin: PluginName;
  #summary: Summary | undefined;

  constructor(plugin: PluginName, version: string, semver: SemVer, api: ImplementedApi) {
    this.#plugin = plugin;
    this.version = version;
    this.semver = semver;
    this.api = api;
  }

  /** Name of the plugin, as its first instance spells it. */
  get plugin(): PluginName {
    return this.#plugin;
  }

  /**
   * Instances that may be called: the live ones or, without any, those whose stream broke. Instances that report not to serve
   * this API are excluded.
   */
  get callable(): readonly Instance[] {
    return this.#summarize().callable;
  }

  /** Reports whether any instance is live and serves the API. */
  get live(): boolean {
    return this.#summarize().live;
  }

  /** Greatest weight of the callable instances. */
  get weight(): number {
    return this.#summarize().weight;
  }

  get instances(): ReadonlySet<Instance> {
    return this.#instances;
  }

  add(instance: Instance): void {
    this.#instances.add(instance);
    this.#spell();
    this.touch();
  }

  remove(instance: Instance): void {
    this.#instances.delete(instance);
    this.#spell();
    this.touch();
  }

  /** Records that an instance changed. Derived values are computed on demand, once for any number of changes. */
  touch(): void {
    this.#summary = undefined;
  }

  #spell(): void {
    const [first] = this.#instances;
    if (!first || first.registration.plugin === this.#plugin.text) return;
    this.#plugin = new PluginName(first.registration.plugin);
  }

  #summarize(): Summary {
    this.#summary ??= summarize(this.#instances, this.api.name);
    return this.#summary;
  }
}

interface Summary {
  callable: readonly Instance[];
  live: boolean;
  weight: number;
}

function summarize(instances: Iterable<Instance>, api: string): Summary {
  const live: Instance[] = [];
  const suspect: Instance[] = [];
  for (const instance of instances) {
    if (instance.unserved.has(api)) continue;
    if (instance.state === 'live') live.push(instance);
    else if (instance.suspectReason === 'StreamBroken') suspect.push(instance);
  }
  const callable = live.length > 0 ? live : suspect;
  let weight = 0;
  for (const { registration } of callable) weight = Math.max(weight, registration.weight);
  return { callable, live: live.length > 0, weight };
}

/** Implementations by API, in the order in which they were added. */
export class Implementations {
  readonly #byApi = new Map<string, Map<string, Implementation>>();
  readonly #lists = new Map<string, readonly Implementation[]>();

  /** All implementations of an API that have an instance. The list is the same object until one is added or removed. */
  of(api: string): readonly Implementation[] {
    let list = this.#lists.get(api);
    if (!list) {
      list = [...(this.#byApi.get(api)?.values() ?? [])];
      this.#lists.set(api, list);
    }
    return list;
  }

  /** Implementations that a registration is an instance of, created where they don't exist yet. */
  for(registration: Registration): Implementation[] {
    const { version } = registration;
    const plugin = new PluginName(registration.plugin);
    return registration.apis.map((api) => {
      const key = keyFor({ plugin, version }, api);
      let ofApi = this.#byApi.get(api.name);
      if (!ofApi) {
        ofApi = new Map();
        this.#byApi.set(api.name, ofApi);
      }
      let implementation = ofApi.get(key);
      if (!implementation) {
        implementation = new Implementation(plugin, version, parseVersion(version), api);
        ofApi.set(key, implementation);
        this.#lists.delete(api.name);
      }
      return implementation;
    });
  }

  /** Removes an implementation that has no instance left. */
  release(implementation: Implementation): void {
    if (implementation.instances.size > 0) return;
    const { api } = implementation;
    const ofApi = this.#byApi.get(api.name);
    ofApi?.delete(keyFor(implementation, api));
    if (ofApi?.size === 0) this.#byApi.delete(api.name);
    this.#lists.delete(api.name);
  }
}

function keyFor({ plugin, version }: VersionedName, api: ImplementedApi): string {
  const { extensionKinds, capabilities } = api;
  const kinds = extensionKinds.map(({ kind, group }) => `${kind}.${group}`).sort();
  const pairs = Object.entries(capabilities).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([plugin.key, version, api.version.version, kinds, pairs]);
}

function parseVersion(version: string): SemVer {
  const parsed = parse(version);
  if (!parsed) throw new TypeError(`a registration with the version "${version}" must not reach the registry`);
  return parsed;
}
