import { createHash } from 'node:crypto';
import { parse } from 'semver';
import { parseAddress } from '../registry/address.ts';
import type { Instance } from '../registry/instance.ts';
import type { ImplementedApi, Registration } from '../registry/registration.ts';
import type { JsonObject, JsonValue } from '../resources/resource.ts';
import type { PluginRecord } from '../resources/surroundings.ts';

/** How many instances a record names; the counts are of all. */
const mostNamed = 500;

/** An instance that a record names, as it was when that was written. */
export interface KeptInstance {
  registration: Registration;
  /** Milliseconds since the epoch. */
  lastHeardAt: number;
}

/** The name of the record of a plugin in one version; a DNS subdomain. */
export function recordNameOf({ plugin, version }: { plugin: string; version: string }): string {
  const plain = `${plugin}-${version}`.toLowerCase();
  const name = plain.replace(/[^a-z0-9.-]/g, '-').replace(/-*\.-*/g, '.');
  if (name === plain && name.length <= 200) return name;
  // Two that differ only in what a name can't hold must not share one.
  const digest = createHash('sha256').update(plain).digest('hex').slice(0, 8);
  return `${name.slice(0, 200).replace(/[.-]+$/, '')}-${digest}`;
}

/** Writes down a plugin in one version, by its instances. `former` is the record as it was, for the times of transition. */
export function composeRecord(instances: readonly Instance[], former: PluginRecord | undefined): PluginRecord {
  const [first] = instances;
  if (!first) throw new RangeError('a record is of one instance at least');
  const { plugin, version, apis } = first.registration;
  const live = instances.filter(({ state }) => state === 'live');
  const lastHeardAt = Math.max(...instances.map((instance) => instance.lastHeardAt));
  return {
    name: recordNameOf(first.registration),
    spec: { plugin, version, apis: apis.map(describeApi), source: 'heartbeat' },
    status: {
      ready: live.length > 0 ? 'True' : 'False',
      apis: apis.map(({ name, version: { version: text } }) => `${name}@${text}`).join(','),
      instanceCount: `${live.length}/${instances.length}`,
      lastSeen: timestamp(lastHeardAt),
      instances: instances.slice(0, mostNamed).map(describeInstance),
      conditions: conditionsOf(instances, live.length, former),
    },
  };
}

/** The record of a plugin that has no instance any more. */
export function composeGone(former: PluginRecord): PluginRecord {
  const message = 'no instance is known any more';
  const status = {
    ...former.status,
    ready: 'False',
    instanceCount: '0/0',
    instances: [],
    conditions: readConditions(former).map((condition) =>
      stamp({ ...condition, status: 'False', reason: 'NoInstance', message }, former),
    ),
  };
  return { ...former, status };
}

/** The instances that a record names. What can't be read is left out: an instance that lives is heard of anyway. */
export function instancesOf({ spec, status }: PluginRecord): KeptInstance[] {
  const { plugin, version } = spec;
  const apis = asArray(spec.apis).flatMap(readApi);
  if (typeof plugin !== 'string' || typeof version !== 'string' || apis.length === 0) return [];
  return asArray(status.instances).flatMap((kept) => {
    const { id, address, protocol, weight, labels, interval, ttl, lastHeard, podName, podNamespace } = asObject(kept);
    if (typeof id !== 'string' || typeof address !== 'string' || !parseAddress(address)?.host) return [];
    const registration: Registration = {
      plugin,
      version,
      apis,
      address,
      instanceId: id,
      protocol: protocol === 'kplug' ? 'kplug' : 'kplug.v1',
      weight: typeof weight === 'number' ? weight : 100,
      labels: textsOf(labels),
      lease: { interval: Number(interval) || 5_000, ttl: Number(ttl) || 15_000 },
      ...(typeof podName === 'string' && typeof podNamespace === 'string'
        ? { pod: { namespace: podNamespace, name: podName } }
        : {}),
    };
    return [{ registration, lastHeardAt: Date.parse(String(lastHeard)) || 0 }];
  });
}

function describeApi({ name, version, extensionKinds, capabilities }: ImplementedApi): JsonObject {
  return {
    name,
    version: version.version,
    extensionKinds: extensionKinds.map(({ group, kind }) => (group ? `${kind}.${group}` : kind)),
    capabilities: { ...capabilities },
  };
}

function readApi(kept: JsonValue): ImplementedApi[] {
  const { name, version, extensionKinds, capabilities } = asObject(kept);
  const parsed = parse(String(version));
  if (typeof name !== 'string' || !parsed) return [];
  const kinds = asArray(extensionKinds).map((text) => {
    const [kind = '', ...group] = String(text).split('.');
    return { kind, group: group.join('.') };
  });
  return [{ name, version: parsed, extensionKinds: kinds, capabilities: textsOf(capabilities) }];
}

function describeInstance({ registration, state, stateReason, lastHeardAt }: Instance): JsonObject {
  const { instanceId, address, protocol, weight, labels, lease, pod } = registration;
  return {
    id: instanceId,
    address,
    state,
    protocol,
    ...(stateReason && { reason: stateReason }),
    lastHeard: timestamp(lastHeardAt),
    weight,
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
    interval: lease.interval,
    ttl: lease.ttl,
    ...(pod && { podName: pod.name, podNamespace: pod.namespace }),
  };
}

interface PluginCondition extends JsonObject {
  type: string;
  status: string;
  reason: string;
  message: string;
}

function conditionsOf(
  instances: readonly Instance[],
  live: number,
  former: PluginRecord | undefined,
): PluginCondition[] {
  const status = live > 0 ? 'True' : 'False';
  const doubtful = instances.find(({ state }) => state !== 'live');
  const message =
    live > 0
      ? `${live} of ${instances.length} instances get calls`
      : (doubtful?.stateReason ?? 'no instance gets calls');
  const accessible = { type: 'Accessible', status, reason: live > 0 ? 'Live' : 'NoLiveInstance', message };
  const [first] = instances;
  const ofApis = (first?.registration.apis ?? []).map(({ name, version }) => ({
    type: name,
    status,
    reason: live > 0 ? 'Implemented' : 'NoLiveInstance',
    message: `version ${version.version} of the API ${name} is ${live > 0 ? 'implemented' : 'implemented, but no instance gets calls'}`,
  }));
  return [accessible, ...ofApis].map((condition) => stamp(condition, former));
}

/** The time of the last transition is kept as long as the status is. */
function stamp(condition: PluginCondition, former: PluginRecord | undefined): PluginCondition {
  const previous = former && readConditions(former).find(({ type }) => type === condition.type);
  const isSame = previous?.status === condition.status && typeof previous.lastTransitionTime === 'string';
  return { ...condition, lastTransitionTime: isSame ? previous.lastTransitionTime : timestamp(Date.now()) };
}

function readConditions({ status }: PluginRecord): PluginCondition[] {
  return asArray(status.conditions).flatMap((kept) => {
    const { type, status: holds, reason, message, lastTransitionTime } = asObject(kept);
    if (typeof type !== 'string') return [];
    const condition = { type, status: String(holds), reason: String(reason), message: String(message) };
    return [{ ...condition, ...(typeof lastTransitionTime === 'string' && { lastTransitionTime }) }];
  });
}

function timestamp(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

function asArray(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function textsOf(value: JsonValue | undefined): Record<string, string> {
  const texts = Object.entries(asObject(value)).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(texts) as Record<string, string>;
}
