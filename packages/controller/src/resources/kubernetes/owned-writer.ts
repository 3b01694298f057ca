import { createHash } from 'node:crypto';
import { isJsonObject, jsonEquals } from '../json.ts';
import { notOwned } from '../not-owned.ts';
import type { OwnedContent, OwnedWriteOptions, WriteResult } from '../port.ts';
import { isOwnedBy, type JsonObject, type JsonValue, parseKey, type Resource, type ResourceKey } from '../resource.ts';
import { ApiError } from './api-error.ts';
import { objectPath } from './api-path.ts';
import type { ServedKind } from './discovery.ts';
import type { KindCache } from './kind-cache.ts';
import type { Transport } from './transport.ts';
import { writeError } from './write-error.ts';

/** Tells what was applied last, so that what isn't wanted any more is seen. */
const annotation = 'kplug.dev/applied';

/** Where an owned resource is, and how it is reached. */
export interface OwnedTarget {
  key: ResourceKey;
  cache: KindCache;
  served: ServedKind;
  transport: Transport;
}

/** Makes or changes a resource that is kept for another one, by server-side apply. */
export async function applyOwned(
  { key, cache, served, transport }: OwnedTarget,
  { labels, annotations, fields }: OwnedContent,
  { owner, fieldManager, signal }: OwnedWriteOptions,
): Promise<WriteResult> {
  const { namespace, name, apiVersion, kind } = parseKey(key);
  const current = cache.get(namespace, name);
  if (current && !isOwnedBy(current, owner.metadata)) throw notOwned(key, owner);
  const digest = createHash('sha256')
    .update(JSON.stringify([fieldManager, labels, annotations, fields]))
    .digest('hex');
  const marks = { ...(labels && { labels }), annotations: { ...annotations, [annotation]: digest.slice(0, 16) } };
  if (current && !current.metadata.deletionTimestamp && isAsSaid(current, marks, fields)) return 'unchanged';
  const ownerReferences = [
    {
      apiVersion: owner.apiVersion,
      kind: owner.kind,
      name: owner.metadata.name,
      uid: owner.metadata.uid,
      controller: true,
    },
  ];
  const metadata = { name, ...(namespace && { namespace }), ...marks, ownerReferences };
  try {
    const answer = await transport.request({
      method: 'PATCH',
      path: `${objectPath(served, namespace, name)}?${new URLSearchParams({ fieldManager, force: 'true' })}`,
      verb: 'apply',
      resource: served.plural,
      contentType: 'application/apply-patch+yaml',
      body: JSON.stringify({ ...fields, apiVersion, kind, metadata }),
      signal,
    });
    cache.putWritten(answer);
    return 'written';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw writeError(error, { key, what: 'all that is said', verb: 'patch', served });
  }
}

/** Removes a resource that is kept for another one. */
export async function removeOwned(
  { key, cache, served, transport }: OwnedTarget,
  { owner, signal }: OwnedWriteOptions,
): Promise<WriteResult> {
  const { namespace, name } = parseKey(key);
  const current = cache.get(namespace, name);
  if (!current || !isOwnedBy(current, owner.metadata)) return 'gone';
  if (current.metadata.deletionTimestamp) return 'unchanged';
  try {
    await transport.request({
      method: 'DELETE',
      path: objectPath(served, namespace, name),
      verb: 'delete',
      resource: served.plural,
      body: JSON.stringify({
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid: current.metadata.uid },
        propagationPolicy: 'Background',
      }),
      signal,
    });
    return 'written';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Gone, or made anew under the same name by somebody else.
    if (error.reason === 'NotFound' || error.reason === 'Conflict') return 'gone';
    throw writeError(error, { key, what: 'the present version', verb: 'delete', served });
  }
}

/** Whether a resource is as it was applied last, and that is what is said now. */
function isAsSaid(
  { metadata, ...content }: Resource,
  marks: { labels?: Record<string, string>; annotations: Record<string, string> },
  fields: JsonObject,
): boolean {
  return (
    contains(metadata.annotations, marks.annotations) &&
    contains(metadata.labels, marks.labels ?? {}) &&
    contains(content as unknown as JsonObject, fields)
  );
}

/** Whether a value has all that another one has. The API server adds defaults. */
function contains(live: JsonValue | undefined, said: JsonValue | undefined): boolean {
  if (isJsonObject(said)) {
    return (
      isJsonObject(live ?? {}) &&
      Object.entries(said).every(([name, value]) => contains((live as JsonObject | undefined)?.[name], value))
    );
  }
  if (Array.isArray(said)) {
    return (
      Array.isArray(live) && live.length === said.length && said.every((value, index) => contains(live[index], value))
    );
  }
  return jsonEquals(live, said);
}
