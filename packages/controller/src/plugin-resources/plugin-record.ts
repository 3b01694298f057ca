import { createHash } from 'node:crypto';
import { parse } from 'semver';
import { parseAddress } from '../registry/address.ts';
import type { Instance } from '../registry/instance.ts';
import type { ImplementedApi, Registration } from '../registry/registration.ts';
import type { PluginRecord } from '../resources/cluster-services.ts';
import { declaredKeyOf } from '../resources/declared-plugin.ts';
import type { JsonObject, JsonValue } from '../resources/resource.ts';
import { apisOf, conditionsOf, readConditions, stampCondition } from './conditions.ts';
import { asArray, asObject } from './read-json.ts';

/** How many instances a record names; the counts are of all. */
const mostNamed = 500;

/** An instance that a record names, as it was when that was written. */
export interface KeptInstance {
  registration: Registration;
  /** Milliseconds since the epoch. */
  lastHeardAt: number;
}

/** What tells the record of an instance from every other. */
export function recordKeyOf({ registration }: Pick<Instance, 'registration'>): string {
  const { declaration } = registration;
  return declaration ? declaredKeyOf(declaration) : recordNameOf(registration);
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
  const spec = { plugin, version, apis: apis.map(describeApi), source: 'heartbeat' };
  const conditions = conditionsOf(instances).map((condition) => stampCondition(condition, former));
  const status = { ...describeInstances(instances), source: spec.source, conditions };
  return { name: recordNameOf(first.registration), spec, status };
}

/** What a status says of a plugin by its instances, of which there is one at least. */
export function describeInstances(instances: readonly Instance[]): JsonObject {
  const live = instances.filter(({ state }) => state === 'live');
  const lastHeardAt = Math.max(...instances.map((instance) => instance.lastHeardAt));
  const { plugin, version } = live[0]?.registration ?? instances[0]?.registration ?? {};
  return {
    plugin,
    version,
    ready: live.length > 0 ? 'True' : 'False',
    apis: apisOf(instances)
      .flatMap(({ name, versions }) => versions.map((text) => `${name}@${text}`))
      .join(','),
    instanceCount: `${live.length}/${instances.length}`,
    lastSeen: timestamp(lastHeardAt),
    instances: instances.slice(0, mostNamed).map(describeInstance),
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
    conditions: readConditions(former.status).map((condition) =>
      stampCondition({ ...condition, status: 'False', reason: 'NoInstance', message }, former),
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

function describeInstance({ registration, state, stateReason, unserved, lastHeardAt }: Instance): JsonObject {
  const { instanceId, address, protocol, weight, labels, lease, pod } = registration;
  return {
    id: instanceId,
    address,
    state,
    protocol,
    ...(stateReason && { reason: stateReason }),
    ...(unserved.size > 0 && { unserved: [...unserved].sort() }),
    lastHeard: timestamp(lastHeardAt),
    weight,
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
    interval: lease.interval,
    ttl: lease.ttl,
    ...(pod && { podName: pod.name, podNamespace: pod.namespace }),
  };
}

function timestamp(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

function textsOf(value: JsonValue | undefined): Record<string, string> {
  const texts = Object.entries(asObject(value)).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(texts) as Record<string, string>;
}
