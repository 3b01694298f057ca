import { randomUUID } from 'node:crypto';
import type { CheckedManifest, ManifestMetadata } from '../check-manifest.ts';
import { copyJson, jsonEquals } from '../json.ts';
import { type JsonObject, type ObjectMeta, ownerReferenceTo, type Resource } from '../resource.ts';

/** Makes a new resource from a manifest, with an empty resource version. */
export function newResource({ apiVersion, kind, metadata, ...fields }: CheckedManifest): Resource {
  const { name, namespace } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid: randomUUID(),
      generation: 1,
      resourceVersion: '',
      creationTimestamp: timestamp(),
      ...copyMarks(metadata),
    },
    ...copyJson(fields as JsonObject),
  };
}

/** Changes a resource as a manifest describes. Returns the same object when there is nothing to change. */
export function changedResource(resource: Resource, manifest: CheckedManifest): Resource {
  const { apiVersion, kind, metadata, status, ...fields } = resource;
  const { apiVersion: _, kind: __, metadata: wanted, ...wantedFields } = manifest;
  const { labels, annotations, ...kept } = metadata;
  const changed = !jsonEquals(fields as JsonObject, wantedFields as JsonObject);
  if (!changed && jsonEquals(labels, wanted.labels) && jsonEquals(annotations, wanted.annotations)) return resource;
  const nextMetadata: ObjectMeta = {
    ...kept,
    generation: changed ? metadata.generation + 1 : metadata.generation,
    ...copyMarks(wanted),
  };
  return {
    apiVersion,
    kind,
    metadata: nextMetadata,
    ...(changed ? copyJson(wantedFields as JsonObject) : fields),
    ...(status && { status }),
  };
}

/** Changes only the annotations of a resource to those of a manifest. Returns the same object when there is nothing to change. */
export function annotatedResource(resource: Resource, { metadata: { annotations } }: CheckedManifest): Resource {
  const { annotations: former, ...metadata } = resource.metadata;
  if (jsonEquals(former, annotations)) return resource;
  return { ...resource, metadata: { ...metadata, ...(annotations && { annotations: { ...annotations } }) } };
}

/** Adds an owner to a resource. */
export function ownedResource(resource: Resource, owner: Resource): Resource {
  return { ...resource, metadata: { ...resource.metadata, ownerReferences: [ownerReferenceTo(owner)] } };
}

/** Returns the current time as Kubernetes writes it, in whole seconds. */
export function timestamp(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

function copyMarks({ labels, annotations }: ManifestMetadata): Pick<ManifestMetadata, 'labels' | 'annotations'> {
  return { ...(labels && { labels: { ...labels } }), ...(annotations && { annotations: { ...annotations } }) };
}
