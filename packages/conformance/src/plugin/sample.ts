import { randomUUID } from 'node:crypto';
import { keyOf, type Resource } from '@kplug/controller';
import type { Manifest } from '@kplug/controller/memory';
import { deriveBase, type ImplementingPlugin } from '@kplug/controller/tools';
import { formatJson, type PluginApi } from '@kplug/protocol';

/** Resources that the plugin is called with, as a controller sends them. */
export interface Sample {
  base: Resource;
  extensions: readonly Resource[];
  /** True if the user gave the resources, which the plugin then has to reconcile. */
  isGiven: boolean;
}

/** Makes a sample of manifests: the first of the base's kind is the base, those of other kinds are the extensions. */
export function sampleOf(manifests: readonly Manifest[], info: ImplementingPlugin, kind: string | undefined): Sample {
  if (manifests.length === 0) return { base: emptyBase(info), extensions: [], isGiven: false };
  const base = deriveBase(manifests, info, kind);
  const isBase = (one: Manifest) => one.kind === base.kind && one.apiVersion === base.apiVersion;
  const [first, ...others] = [...manifests.filter(isBase), ...manifests.filter((one) => !isBase(one))];
  const extensions = others.filter((one) => !isBase(one)).map(stored);
  return { base: first ? stored(first) : emptyBase(info), extensions, isGiven: true };
}

/** Returns the capability that a base asks for, as a controller assigns it; `undefined` if the API provides none. */
export function capabilityFor({ spec }: Resource, api: PluginApi | undefined) {
  const wanted = (spec ?? {}) as { type?: unknown; version?: unknown };
  const isWanted = ({ type }: { type: string }) => type.toLowerCase() === String(wanted.type).toLowerCase();
  const offer = api?.provides.find(isWanted) ?? api?.provides[0];
  if (!offer) return undefined;
  const version = offer.versions.find((one) => one === wanted.version) ?? offer.versions.at(-1) ?? '';
  return { category: offer.category, type: offer.type, version, previousVersion: '' };
}

/** Returns a copy of a base with another name and uid. */
export function named(base: Resource, name: string): Resource {
  return { ...base, metadata: { ...base.metadata, name, uid: randomUUID() } };
}

/** Encodes extensions for a request, by key. */
export function byKey(extensions: readonly Resource[]): Record<string, { json: Uint8Array }> {
  return Object.fromEntries(extensions.map((extension) => [keyOf(extension), { json: encode(extension) }]));
}

/** Encodes a resource for a request. */
export function encode(resource: Resource): Uint8Array {
  return Buffer.from(formatJson(resource));
}

function stored({ apiVersion, kind, metadata, ...rest }: Manifest): Resource {
  return {
    ...rest,
    apiVersion,
    kind,
    metadata: {
      namespace: 'default',
      ...metadata,
      uid: randomUUID(),
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: new Date().toISOString(),
    },
  };
}

/** Returns a base with an empty spec. Its kind is that of the API, which often has the same name. */
function emptyBase({ apis }: ImplementingPlugin): Resource {
  const kind = apis[0]?.name ?? 'Conformance';
  return stored({ apiVersion: 'example.org/v1', kind, metadata: { name: 'conformance' }, spec: {} });
}
