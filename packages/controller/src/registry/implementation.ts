import { parse, type SemVer } from 'semver';
import { PluginName, type VersionedName } from '../names.ts';
import { ownerOf } from './identity.ts';
import type { Instance } from './instance.ts';
import { Members } from './members.ts';
import type { ImplementedApi, Registration } from './registration.ts';

/** Reason why no instance of an implementation is callable. */
export type Unavailability = 'NotServing' | 'Unreachable' | 'Draining';

/**
 * One plugin in one version as the implementation of one API: the unit that selection chooses. All its instances registered the
 * API with the same version, extension kinds and capabilities.
 */
export class Implementation {
  readonly version: string;
  /** Parsed version of the plugin. */
  readonly semver: SemVer;
  readonly api: ImplementedApi;
  /** Attachment whose resources it serves, as `namespace/name`, and no others; `undefined` for any other implementation. */
  readonly attachment: string | undefined;
  /** Instances by availability; without empty sets. */
  readonly #members = new Map<Availability, Members>();
  /** Number of instances by the way in which they spell the name. */
  readonly #spellings = new Map<string, number>();
  /** Number of instances by owner. */
  readonly #owners = new Map<string, number>();
  #ownerList: readonly string[] = [];
  #plugin: PluginName;

  constructor(plugin: PluginName, version: string, semver: SemVer, api: ImplementedApi, attachment?: string) {
    this.attachment = attachment;
    this.#plugin = plugin;
    this.version = version;
    this.semver = semver;
    this.api = api;
  }

  /** Name of the plugin, as its instances spell it: the first spelling that one of them has. */
  get plugin(): PluginName {
    return this.#plugin;
  }

  /**
   * Instances that may be called: the live ones or, without any, those whose stream broke. Instances that report not to serve
   * this API are excluded. The array changes with the registry.
   */
  get callable(): readonly Instance[] {
    return this.#callable?.list ?? none;
  }

  /** Greatest weight of the callable instances. */
  get weight(): number {
    return this.#callable?.weight ?? 0;
  }

  /** Owners of its instances: the identities that they proved, as text. */
  get owners(): readonly string[] {
    return this.#ownerList;
  }

  /** Reason why no instance is callable; `undefined` if one is. */
  get unavailability(): Unavailability | undefined {
    if (this.#callable) return undefined;
    if (this.#members.has('unserving')) return 'NotServing';
    return this.#members.has('unreachable') ? 'Unreachable' : 'Draining';
  }

  /** Instances in any state. */
  get instances(): Iterable<Instance> {
    return concatenate(this.#members.values());
  }

  /** Suspect instances that may not be called. */
  get unreachable(): readonly Instance[] {
    return this.#members.get('unreachable')?.list ?? none;
  }

  /** Number of instances in any state. */
  get size(): number {
    let size = 0;
    for (const { list } of this.#members.values()) size += list.length;
    return size;
  }

  add(instance: Instance): void {
    const { plugin } = instance.registration;
    count(this.#spellings, plugin, 1);
    this.#countOwner(instance, 1);
    this.#file(instance);
    this.#spell();
  }

  /** Removes an instance, whose registration must be the one with which it was added. */
  remove(instance: Instance): void {
    const { plugin } = instance.registration;
    count(this.#spellings, plugin, -1);
    this.#countOwner(instance, -1);
    this.#takeOut(instance);
    this.#spell();
  }

  /** Takes in the new state of an instance. */
  update(instance: Instance): void {
    if (this.#members.get(this.#availabilityOf(instance))?.has(instance)) return;
    this.#takeOut(instance);
    this.#file(instance);
  }

  get #callable(): Members | undefined {
    return this.#members.get('live') ?? this.#members.get('broken');
  }

  #file(instance: Instance): void {
    const availability = this.#availabilityOf(instance);
    let members = this.#members.get(availability);
    if (!members) {
      members = new Members();
      this.#members.set(availability, members);
    }
    members.add(instance);
  }

  #takeOut(instance: Instance): void {
    for (const [availability, members] of this.#members) {
      if (!members.delete(instance)) continue;
      if (members.list.length === 0) this.#members.delete(availability);
    }
  }

  #availabilityOf({ state, suspectReason, unserved }: Instance): Availability {
    if (state === 'live') return unserved.has(this.api.name) ? 'unserving' : 'live';
    if (state !== 'suspect') return 'draining';
    return suspectReason === 'StreamBroken' && !unserved.has(this.api.name) ? 'broken' : 'unreachable';
  }

  #countOwner({ identity }: Instance, change: 1 | -1): void {
    const { size } = this.#owners;
    count(this.#owners, ownerOf(identity), change);
    if (this.#owners.size !== size) this.#ownerList = [...this.#owners.keys()];
  }

  #spell(): void {
    if (this.#spellings.has(this.#plugin.text)) return;
    const [first] = this.#spellings.keys();
    if (first !== undefined) this.#plugin = new PluginName(first);
  }
}

/**
 * Availability of an instance for one API.
 *
 * - `live`: it is live and serves the API.
 * - `broken`: its stream broke, and it is called if no other instance is live.
 * - `unserving`: it is live, and reports not to serve the API.
 * - `unreachable`: it is suspect, and gets no calls.
 * - `draining`: it is stopping.
 */
type Availability = 'live' | 'broken' | 'unserving' | 'unreachable' | 'draining';

const none: readonly Instance[] = [];

/** Changes a count; one of zero is removed. */
function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next > 0) counts.set(key, next);
  else counts.delete(key);
}

function* concatenate(all: Iterable<Members>): Iterable<Instance> {
  for (const { list } of all) yield* list;
}

/** Implementations by API, in the order in which they were added. */
export class Implementations {
  /** Implementations by the name of the API, those of attachments by both. */
  readonly #byApi = new Map<string, Map<string, Implementation>>();
  readonly #lists = new Map<string, readonly Implementation[]>();

  /**
   * All implementations of an API that have an instance, those of an attachment or those of none. The list is the same object until one
   * is added or removed.
   */
  of(api: string, attachment?: string): readonly Implementation[] {
    const place = placeOf(api, attachment);
    const known = this.#lists.get(place);
    if (known) return known;
    const ofApi = this.#byApi.get(place);
    // Nothing is remembered of attachments that have ended.
    if (!ofApi && attachment !== undefined) return noImplementations;
    const list = [...(ofApi?.values() ?? [])];
    this.#lists.set(place, list);
    return list;
  }

  /** Implementations that a registration is an instance of, created where they don't exist yet. */
  for(registration: Registration): Implementation[] {
    const { version, attachment } = registration;
    const plugin = new PluginName(registration.plugin);
    return registration.apis.map((api) => {
      const key = keyFor({ plugin, version }, api);
      const place = placeOf(api.name, attachment);
      let ofApi = this.#byApi.get(place);
      if (!ofApi) {
        ofApi = new Map();
        this.#byApi.set(place, ofApi);
      }
      let implementation = ofApi.get(key);
      if (!implementation) {
        implementation = new Implementation(plugin, version, parseVersion(version), api, attachment);
        ofApi.set(key, implementation);
        this.#lists.delete(place);
      }
      return implementation;
    });
  }

  /** Removes an implementation that has no instance left. */
  release(implementation: Implementation): void {
    if (implementation.size > 0) return;
    const { api, attachment } = implementation;
    const place = placeOf(api.name, attachment);
    const ofApi = this.#byApi.get(place);
    ofApi?.delete(keyFor(implementation, api));
    if (ofApi?.size === 0) this.#byApi.delete(place);
    this.#lists.delete(place);
  }
}

const noImplementations: readonly Implementation[] = [];

/** Key of the implementations of an API. Names of APIs have no spaces. */
function placeOf(api: string, attachment: string | undefined): string {
  return attachment === undefined ? api : `${api} ${attachment}`;
}

function keyFor({ plugin, version }: VersionedName, api: ImplementedApi): string {
  const { extensionKinds, capabilities, provides } = api;
  const kinds = extensionKinds.map(({ kind, group }) => `${kind}.${group}`).sort();
  const pairs = Object.entries(capabilities).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([plugin.key, version, api.version.version, kinds, pairs, provides]);
}

function parseVersion(version: string): SemVer {
  const parsed = parse(version);
  if (!parsed) throw new TypeError(`a registration with the version "${version}" must not reach the registry`);
  return parsed;
}
