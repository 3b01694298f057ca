/** Any JSON value. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  [field: string]: JsonValue | undefined;
}

/** A kind of resource in one version. */
export interface ResourceKind {
  /** `group/version`, or `version` alone for the core group. */
  apiVersion: string;
  kind: string;
}

/** What Kplug reads of a Kubernetes object's metadata. */
export interface ObjectMeta {
  name: string;
  /** Missing for cluster-scoped kinds. */
  namespace?: string;
  /** Tells this incarnation from an earlier one of the same name. */
  uid: string;
  /** Counts the changes of everything but metadata and status. */
  generation: number;
  resourceVersion: string;
  creationTimestamp: string;
  /** Set when the resource is being deleted and waits for its finalizers. */
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Whom it goes with. */
  ownerReferences?: OwnerReference[];
}

/** Another resource that a resource goes with when that goes. */
export interface OwnerReference extends ResourceKind {
  name: string;
  uid: string;
  /** Whether that is the one that decides on it. */
  controller?: boolean;
}

/**
 * A resource as it is stored. Never changed in place: a change makes a new object. Other fields that its user wrote, such as
 * the `data` of a ConfigMap, are there too.
 */
export interface Resource extends ResourceKind {
  metadata: ObjectMeta;
  spec?: JsonObject;
  status?: JsonObject;
}

/**
 * Names a resource in one string, `group/version/kind/namespace/name`, as the plugin protocol does. The group is empty for
 * the core group, the namespace for cluster-scoped kinds.
 */
export type ResourceKey = string;

/** The parts of a key. */
export interface ResourceReference extends ResourceKind {
  namespace: string;
  name: string;
}

/** The key of a resource. */
export function keyOf(resource: Resource): ResourceKey {
  const { apiVersion, kind, metadata } = resource;
  return formatKey({ apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name });
}

/** Whether a resource is kept for another one, and goes with it. */
export function isOwnedBy({ metadata: { ownerReferences = [] } }: Resource, owner: { uid: string }): boolean {
  return ownerReferences.some(({ uid, controller }) => controller === true && uid === owner.uid);
}

/** The key of a reference. */
export function formatKey({ apiVersion, kind, namespace, name }: ResourceReference): ResourceKey {
  const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  return `${groupVersion}/${kind}/${namespace}/${name}`;
}

/** The parts of a key that `formatKey` made. */
export function parseKey(key: ResourceKey): ResourceReference {
  const [group, version = '', kind = '', namespace = '', name = ''] = key.split('/');
  return { apiVersion: group ? `${group}/${version}` : version, kind, namespace, name };
}

/** A reference for people: `DatabaseTable default/users`. */
export function describeReference({ kind, namespace, name }: ResourceReference): string {
  return namespace ? `${kind} ${namespace}/${name}` : `${kind} ${name}`;
}

/** The API group of an `apiVersion`; empty for the core group. */
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
