/** JSON value. An integer of 64 bits that a `number` can't hold exactly is a `bigint`. */
export type JsonValue = string | number | bigint | boolean | null | JsonValue[] | JsonObject;

/** JSON object. */
export interface JsonObject {
  [field: string]: JsonValue | undefined;
}

/** Kind of resources, in one version. */
export interface ResourceKind {
  /** `group/version`, or `version` alone for the core group. */
  apiVersion: string;
  kind: string;
}

/** Fields of a Kubernetes object's metadata that Kplug reads. */
export interface ObjectMeta {
  name: string;
  /** Missing for cluster-scoped kinds. */
  namespace?: string;
  /** Unique ID. A resource that is created again under the same name has another one. */
  uid: string;
  /** Counter of the changes to everything except metadata and status. */
  generation: number;
  /** Version of the whole object, for optimistic locking. Opaque. */
  resourceVersion: string;
  /** Time of creation, as in RFC 3339. */
  creationTimestamp: string;
  /** Set while the resource is being deleted and waits for its finalizers. */
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Owners, with which the resource is deleted. */
  ownerReferences?: OwnerReference[];
}

/** Reference to an owner. */
export interface OwnerReference extends ResourceKind {
  name: string;
  uid: string;
  /** True if the owner is the managing controller. */
  controller?: boolean;
}

/** Stored resource. Immutable: a change makes a new object. It also has other fields of its kind, such as the `data` of a ConfigMap. */
export interface Resource extends ResourceKind {
  metadata: ObjectMeta;
  spec?: JsonObject;
  status?: JsonObject;
}

/**
 * Key of a resource, `group/version/kind/namespace/name`, as in the plugin protocol. The group is empty for the core group, the namespace
 * for cluster-scoped kinds.
 */
export type ResourceKey = string;

/** Parts of a key. */
export interface ResourceReference extends ResourceKind {
  namespace: string;
  name: string;
}

/** Returns the key of a resource. */
export function keyOf(resource: Resource): ResourceKey {
  const { apiVersion, kind, metadata } = resource;
  return formatKey({ apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name });
}

/** Returns the reference to a resource as the managing owner of another one. */
export function ownerReferenceTo({ apiVersion, kind, metadata: { name, uid } }: Resource): OwnerReference {
  return { apiVersion, kind, name, uid, controller: true };
}

/** Reports whether a resource has another one as its managing owner. */
export function isOwnedBy({ metadata: { ownerReferences = [] } }: Resource, owner: { uid: string }): boolean {
  return ownerReferences.some(({ uid, controller }) => controller === true && uid === owner.uid);
}

/** Formats a reference as a key. */
export function formatKey({ apiVersion, kind, namespace, name }: ResourceReference): ResourceKey {
  const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  return `${groupVersion}/${kind}/${namespace}/${name}`;
}

/** Parses a key that `formatKey` made. */
export function parseKey(key: ResourceKey): ResourceReference {
  const [group, version = '', kind = '', namespace = '', name = ''] = key.split('/');
  return { apiVersion: group ? `${group}/${version}` : version, kind, namespace, name };
}

/** Formats a reference for people: `DatabaseTable default/users`. */
export function describeReference({ kind, namespace, name }: ResourceReference): string {
  return namespace ? `${kind} ${namespace}/${name}` : `${kind} ${name}`;
}

/** Returns a key as people write it: `DatabaseTable default/users`. */
export function describeKey(key: ResourceKey): string {
  return describeReference(parseKey(key));
}

/** Returns the API group of an `apiVersion`; empty for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** Reports whether two kinds are the same, in the same version. */
export function isSameKind(a: ResourceKind, b: ResourceKind): boolean {
  return a.kind === b.kind && a.apiVersion === b.apiVersion;
}

/** Reports whether a kind is of a group and a name, in any version. An empty group matches any. */
export function isOfGroupKind({ apiVersion, kind }: ResourceKind, wanted: { group: string; kind: string }): boolean {
  return kind === wanted.kind && (wanted.group === '' || wanted.group === groupOf(apiVersion));
}
