import { formatJson, parseJson } from '@kplug/protocol';
import { limits } from '../../limits/limits.ts';
import { isJsonObject, jsonEquals } from '../json.ts';
import { mergeStatuses } from '../memory/merge-statuses.ts';
import type { JsonObject, JsonValue, ObjectMeta, Resource, ResourceKind } from '../resource.ts';
import { type AnnotationStatuses, readStatusAnnotations } from './annotation-statuses.ts';
import { type OwnedFields, readOwnedFields } from './owned-fields.ts';

/** Resource, with the parts of its status that our field managers own. */
export interface ReadObject {
  resource: Resource;
  owned: OwnedFields;
  /** Statuses in annotations, when the kind has no status. */
  annotated: AnnotationStatuses;
}

/** Annotation in which `kubectl apply` keeps a copy of the whole resource. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Maximum number of shared values. All are dropped above it; values in use are shared again. */
const maxShared = limits.kubernetes.maxSharedValues;

/**
 * Makes a resource from an object of the API server. To save memory, it drops the managed fields and kubectl's copy. Throws `TypeError` for
 * anything that isn't an object with metadata.
 */
export function readObject(
  object: JsonValue | undefined,
  { apiVersion, kind }: ResourceKind,
  pool: ValuePool,
): ReadObject {
  const { metadata } = isJsonObject(object) ? object : {};
  if (!isJsonObject(object) || !isJsonObject(metadata)) throw new TypeError('something that is not an object');
  const { name, uid, resourceVersion } = metadata;
  if (typeof name !== 'string' || typeof uid !== 'string' || typeof resourceVersion !== 'string') {
    throw new TypeError('an object without a name, uid or resourceVersion');
  }
  const { statuses: annotated, others: annotations } = readStatusAnnotations(withoutLastApplied(metadata.annotations));
  const read = readMetadata({ ...metadata, annotations }, pool);
  const status = annotated.size > 0 ? mergeStatuses(annotated.values()) : undefined;
  const whole = status ? { ...object, status } : object;
  return {
    resource: compose(whole, { apiVersion, kind }, read),
    owned: readOwnedFields(metadata.managedFields),
    annotated,
  };
}

/** Composes a resource. An object literal with all fields takes less memory than one to which fields are added. */
function compose(object: JsonObject, { apiVersion, kind }: ResourceKind, metadata: ObjectMeta): Resource {
  const { apiVersion: _, kind: __, metadata: ___, spec, status, ...fields } = object;
  const isUsual = isJsonObject(spec) && Object.keys(fields).length === 0;
  if (isUsual && isJsonObject(status)) return { apiVersion, kind, metadata, spec, status };
  if (isUsual) return { apiVersion, kind, metadata, spec };
  return {
    ...fields,
    apiVersion,
    kind,
    metadata,
    ...(isJsonObject(spec) && { spec }),
    ...(isJsonObject(status) && { status }),
  };
}

/** Sets the generation of kinds without one, such as ConfigMap, to the resource version of the last change of their content. */
export function withGeneration(resource: Resource, previous: Resource | undefined): Resource {
  if (resource.metadata.generation > 0) return resource;
  const isSame = previous?.metadata.uid === resource.metadata.uid && hasSameContent(resource, previous);
  const generation = isSame ? previous.metadata.generation : Number(resource.metadata.resourceVersion);
  return { ...resource, metadata: { ...resource.metadata, generation } };
}

/** Pool of values that many objects have in common, which saves memory. Resources are immutable, so sharing is safe. */
export class ValuePool {
  readonly #values = new Map<string, JsonValue>();

  share<T extends JsonValue>(value: T): T;
  share(value: JsonValue): JsonValue {
    const text = typeof value === 'string' ? value : formatJson(value);
    const known = this.#values.get(text);
    if (known !== undefined && typeof known === typeof value) return known;
    if (this.#values.size >= maxShared) this.#values.clear();
    this.#values.set(text, value);
    return value;
  }
}

/** Metadata fields with values that many objects have in common. */
const sharedFields = ['namespace', 'creationTimestamp', 'labels', 'finalizers', 'annotations'] as const;

function readMetadata(metadata: JsonObject, pool: ValuePool): ObjectMeta {
  const { managedFields: _, ...kept } = metadata;
  // An object from the parser takes half the memory of one that is built field by field.
  const read = parseJson(formatJson({ generation: 0, ...kept })) as JsonObject;
  for (const field of sharedFields) {
    const value = read[field];
    if (value !== undefined) read[field] = pool.share(value);
  }
  return read as unknown as ObjectMeta;
}

function withoutLastApplied(annotations: JsonValue | undefined): JsonObject | undefined {
  if (!isJsonObject(annotations)) return undefined;
  const { [lastApplied]: _, ...kept } = annotations;
  return Object.keys(kept).length > 0 ? kept : undefined;
}

function hasSameContent(a: Resource, b: Resource): boolean {
  return jsonEquals(contentOf(a), contentOf(b));
}

function contentOf({ metadata, status, ...content }: Resource & { metadata: ObjectMeta }): JsonObject {
  return content as unknown as JsonObject;
}
