import { isJsonObject, jsonEquals } from '../json.ts';
import { mergeStatuses } from '../memory/merge-statuses.ts';
import type { JsonObject, JsonValue, ObjectMeta, Resource, ResourceKind } from '../resource.ts';
import { type AnnotationStatuses, readNotes } from './annotation-statuses.ts';
import { type OwnedFields, readOwnedFields } from './owned-fields.ts';

/** A resource, and what our field managers say in its status. */
export interface ReadObject {
  resource: Resource;
  owned: OwnedFields;
  /** What they say in annotations, where the kind has no status. */
  noted: AnnotationStatuses;
}

/** What `kubectl apply` keeps for itself: the whole resource once more. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** How many different values are shared before those that aren't used any more are let go. */
const mostShared = 1_024;

/**
 * Makes a resource of an object as the API server sent it, without what only takes room: its managed fields and kubectl's
 * copy of it. Throws `TypeError` for what isn't an object of that kind.
 */
export function readObject(
  object: JsonValue | undefined,
  { apiVersion, kind }: ResourceKind,
  pool: ValuePool,
): ReadObject {
  const { metadata } = isJsonObject(object) ? object : {};
  if (!isJsonObject(object) || !isJsonObject(metadata)) throw new TypeError('something that is no object');
  const { name, uid, resourceVersion } = metadata;
  if (typeof name !== 'string' || typeof uid !== 'string' || typeof resourceVersion !== 'string') {
    throw new TypeError('an object without a name, uid or resourceVersion');
  }
  const { statuses: noted, others: annotations } = readNotes(withoutLastApplied(metadata.annotations));
  const read = readMetadata({ ...metadata, annotations }, pool);
  const status = noted.size > 0 ? mergeStatuses(noted.values()) : undefined;
  const whole = status ? { ...object, status } : object;
  return {
    resource: compose(whole, { apiVersion, kind }, read),
    owned: readOwnedFields(metadata.managedFields),
    noted,
  };
}

/** An object with all its fields from the beginning takes less room than one that they are added to. */
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

/**
 * Kinds such as ConfigMap count no generations. For those, the version of the last change of their content takes its place.
 */
export function withGeneration(resource: Resource, previous: Resource | undefined): Resource {
  if (resource.metadata.generation > 0) return resource;
  const isSame = previous?.metadata.uid === resource.metadata.uid && hasSameContent(resource, previous);
  const generation = isSame ? previous.metadata.generation : Number(resource.metadata.resourceVersion);
  return { ...resource, metadata: { ...resource.metadata, generation } };
}

/** Values that many objects have in common, so that each is kept once. No resource is changed in place. */
export class ValuePool {
  readonly #values = new Map<string, JsonValue>();

  share<T extends JsonValue>(value: T): T;
  share(value: JsonValue): JsonValue {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const known = this.#values.get(text);
    if (known !== undefined && typeof known === typeof value) return known;
    if (this.#values.size >= mostShared) this.#values.clear();
    this.#values.set(text, value);
    return value;
  }
}

/** Fields whose values many objects have in common. */
const sharedFields = ['namespace', 'creationTimestamp', 'labels', 'finalizers', 'annotations'] as const;

function readMetadata(metadata: JsonObject, pool: ValuePool): ObjectMeta {
  const { managedFields: _, ...kept } = metadata;
  // What comes from the parser takes half the room of what is put together field by field.
  const read: JsonObject = JSON.parse(JSON.stringify({ generation: 0, ...kept }));
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
