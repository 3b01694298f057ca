import { createHash } from 'node:crypto';
import { parse } from 'semver';
import { limits } from '../limits/limits.ts';
import { ownerOf } from '../registry/identity.ts';
import type { Instance } from '../registry/instance.ts';
import type { ImplementedApi, ProvidedCapability } from '../registry/registration.ts';
import type { PluginRecord } from '../resources/cluster-services.ts';
import { formatTime } from '../resources/conditions.ts';
import { declaredKeyOf } from '../resources/declared-plugin.ts';
import { asArray, asObject, readStrings } from '../resources/read-json.ts';
import type { JsonObject, JsonValue } from '../resources/resource.ts';
import { conditionsOf, describeProvided, stampConditions, withoutInstance } from './conditions.ts';
import type { InstanceSummary } from './instance-summary.ts';
import { describeInstance, readInstance, type StoredInstance } from './stored-instance.ts';

const { maxNameLength } = limits.pluginResources;

/** Returns the unique key of the record of an instance. */
export function recordKeyOf({ registration }: Pick<Instance, 'registration'>): string {
  const { declaration } = registration;
  return declaration ? declaredKeyOf(declaration) : recordNameOf(registration);
}

/** Returns the name of the record of a plugin in one version, a DNS subdomain. Equal for names that differ only in case. */
export function recordNameOf({ plugin, version }: { plugin: string; version: string }): string {
  const plain = `${plugin}-${version}`.toLowerCase();
  const name = plain.replace(/[^a-z0-9.-]/g, '-').replace(/-*\.-*/g, '.');
  if (name === plain && name.length <= maxNameLength) return name;
  // Names that differ only in characters that DNS forbids must not collide.
  const digest = createHash('sha256').update(plain).digest('hex').slice(0, 8);
  return `${name.slice(0, maxNameLength).replace(/[.-]+$/, '')}-${digest}`;
}

/** Composes the record of a plugin in one version from its instances. `former` is the stored record, for transition times. */
export function composeRecord(instances: InstanceSummary, former: PluginRecord | undefined): PluginRecord {
  const { first } = instances;
  if (!first) throw new RangeError('a record needs at least one instance');
  const { plugin, version, apis } = first.registration;
  const spec = { plugin, version, apis: apis.map(describeApi), source: 'heartbeat' };
  const conditions = stampConditions(conditionsOf(instances), former);
  const status = { ...describeInstances(instances), source: spec.source, conditions };
  return { name: recordNameOf(first.registration), spec, status };
}

/** Composes the part of a status that describes instances. There must be at least one. */
export function describeInstances(instances: InstanceSummary): JsonObject {
  const { first, firstLive, live, size, lastHeardAt, apis, listed } = instances;
  const { plugin, version } = (firstLive ?? first)?.registration ?? {};
  return {
    plugin,
    version,
    owner: first ? ownerOf(first.identity) : '',
    ready: live > 0 ? 'True' : 'False',
    apis: [...apis].flatMap(([name, { versions }]) => [...versions].map((text) => `${name}@${text}`)).join(','),
    ...(instances.provided.size > 0 && { capabilities: describeProvided(instances) }),
    instanceCount: `${live}/${size}`,
    lastSeen: formatTime(new Date(lastHeardAt)),
    instances: listed.map(describeInstance),
  };
}

/** Composes the record of a plugin whose last instance is gone. */
export function composeGone(former: PluginRecord): PluginRecord {
  const status = {
    ...former.status,
    ready: 'False',
    instanceCount: '0/0',
    instances: [],
    conditions: stampConditions(withoutInstance(former), former),
  };
  return { ...former, status };
}

/** Reads the instances that a record lists. Malformed ones are left out: a live instance sends a heartbeat anyway. */
export function instancesOf({ spec, status }: PluginRecord): StoredInstance[] {
  const { plugin, version } = spec;
  const apis = asArray(spec.apis).flatMap(readApi);
  if (typeof plugin !== 'string' || typeof version !== 'string' || apis.length === 0) return [];
  const ofAll = { plugin, version, apis };
  return asArray(status.instances).flatMap((stored) => readInstance(asObject(stored), ofAll) ?? []);
}

function describeApi({ name, version, extensionKinds, capabilities, provides }: ImplementedApi): JsonObject {
  return {
    name,
    version: version.version,
    extensionKinds: extensionKinds.map(({ group, kind }) => (group ? `${kind}.${group}` : kind)),
    capabilities: { ...capabilities },
    // A definition of an older version has no such field.
    ...(provides.length > 0 && {
      provides: provides.map(({ versions, ...rest }) => ({ ...rest, versions: [...versions] })),
    }),
  };
}

function readApi(stored: JsonValue): ImplementedApi[] {
  const { name, version, extensionKinds, capabilities, provides } = asObject(stored);
  const parsed = parse(String(version));
  if (typeof name !== 'string' || !parsed) return [];
  const kinds = asArray(extensionKinds).map((text) => {
    const [kind = '', ...group] = String(text).split('.');
    return { kind, group: group.join('.') };
  });
  return [
    {
      name,
      version: parsed,
      extensionKinds: kinds,
      capabilities: readStrings(capabilities),
      provides: asArray(provides).flatMap(readProvided),
    },
  ];
}

function readProvided(stored: JsonValue): ProvidedCapability[] {
  const { category, type, versions } = asObject(stored);
  if (typeof category !== 'string' || typeof type !== 'string') return [];
  return [{ category, type, versions: asArray(versions).filter((version) => typeof version === 'string') }];
}
