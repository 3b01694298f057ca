import { groupOf, type ObjectMeta, ownerReferenceTo, type Resource } from './resource.ts';

/** Annotation of a released dependent: its former owner, as `Kind.group/namespace/name`. */
const annotation = 'kplug.dev/retained-from';

/** Returns the metadata of a dependent without its owner, with the annotation that names it. */
export function releasedMetadata(
  { ownerReferences = [], annotations, ...metadata }: ObjectMeta,
  owner: Resource,
): ObjectMeta {
  return {
    ...metadata,
    annotations: { ...annotations, [annotation]: nameOf(owner) },
    ownerReferences: ownerReferences.filter(({ uid }) => uid !== owner.metadata.uid),
  };
}

/** Reports whether a resource was released by an owner of the same kind, namespace and name, and belongs to nobody. */
export function isReleasedBy({ metadata: { annotations, ownerReferences = [] } }: Resource, owner: Resource): boolean {
  return annotations?.[annotation] === nameOf(owner) && !ownerReferences.some(({ controller }) => controller);
}

/** Returns the metadata of a released dependent that an owner takes over. */
export function adoptedMetadata(
  { ownerReferences = [], annotations, ...metadata }: ObjectMeta,
  owner: Resource,
): ObjectMeta {
  const { [annotation]: _, ...others } = annotations ?? {};
  return { ...metadata, annotations: others, ownerReferences: [...ownerReferences, ownerReferenceTo(owner)] };
}

function nameOf({ apiVersion, kind, metadata: { namespace = '', name } }: Resource): string {
  return `${kind}.${groupOf(apiVersion)}/${namespace}/${name}`;
}
