import { randomUUID } from 'node:crypto';
import { keyOf } from '@kplug/controller';
import { deriveBase } from '../../../controller/src/tools/derive-delegation.js';
/** Makes a sample of manifests: the first of the base's kind is the base, those of other kinds are its extensions. */
export function sampleOf(manifests, info, kind) {
  if (manifests.length === 0) return { base: emptyBase(info), extensions: [], isGiven: false };
  const base = deriveBase(manifests, info, kind);
  const isBase = (one) => one.kind === base.kind && one.apiVersion === base.apiVersion;
  const [first, ...others] = [...manifests.filter(isBase), ...manifests.filter((one) => !isBase(one))];
  const extensions = others.filter((one) => !isBase(one)).map(stored);
  return { base: first ? stored(first) : emptyBase(info), extensions, isGiven: true };
}
/** The same base under another name, as another resource. */
export function named(base, name) {
  return { ...base, metadata: { ...base.metadata, name, uid: randomUUID() } };
}
/** Extensions as they are sent, by key. */
export function byKey(extensions) {
  return Object.fromEntries(extensions.map((extension) => [keyOf(extension), { json: encode(extension) }]));
}
/** A resource as it is sent. */
export function encode(resource) {
  return Buffer.from(JSON.stringify(resource));
}
function stored({ apiVersion, kind, metadata, ...rest }) {
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
function emptyBase({ apis }) {
  const kind = apis[0]?.name ?? 'Conformance';
  return stored({ apiVersion: 'example.org/v1', kind, metadata: { name: 'conformance' }, spec: {} });
}
//# sourceMappingURL=sample.js.map
