import { randomUUID } from 'node:crypto';
import { keyOf, type Manifest, type Resource } from '@kplug/controller';
import { deriveBase, type ImplementingPlugin } from '../../../controller/src/tools/derive-delegation.ts';

/** The resources that a plugin is tried with, as a controller would send them. */
export interface Sample {
  base: Resource;
  extensions: readonly Resource[];
  /** Whether the user gave them, so that the plugin has to be able to reconcile them. */
  isGiven: boolean;
}

/** Makes a sample of manifests: the first of the base's kind is the base, those of other kinds are its extensions. */
export function sampleOf(manifests: readonly Manifest[], info: ImplementingPlugin, kind: string | undefined): Sample {
  if (manifests.length === 0) return { base: emptyBase(info), extensions: [], isGiven: false };
  const base = deriveBase(manifests, info, kind);
  const isBase = (one: Manifest) => one.kind === base.kind && one.apiVersion === base.apiVersion;
  const [first, ...others] = [...manifests.filter(isBase), ...manifests.filter((one) => !isBase(one))];
  const extensions = others.filter((one) => !isBase(one)).map(stored);
  return { base: first ? stored(first) : emptyBase(info), extensions, isGiven: true };
}

/** The same base under another name, as another resource. */
export function named(base: Resource, name: string): Resource {
  return { ...base, metadata: { ...base.metadata, name, uid: randomUUID() } };
}

/** Extensions as they are sent, by key. */
export function byKey(extensions: readonly Resource[]): Record<string, { json: Uint8Array }> {
  return Object.fromEntries(extensions.map((extension) => [keyOf(extension), { json: encode(extension) }]));
}

/** A resource as it is sent. */
export function encode(resource: Resource): Uint8Array {
  return Buffer.from(JSON.stringify(resource));
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

/** All that is known of a base when none is given: that its kind is often named like the API. */
function emptyBase({ apis }: ImplementingPlugin): Resource {
  const kind = apis[0]?.name ?? 'Conformance';
  return stored({ apiVersion: 'example.org/v1', kind, metadata: { name: 'conformance' }, spec: {} });
}
