import { createHash } from 'node:crypto';
import { formatJson } from '@kplug/protocol';
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

/** Annotation with a digest of the content that was applied last, which shows when fields were removed from the content. */
const digestAnnotation = 'kplug.dev/applied';

/** Dependent to write. */
export interface OwnedTarget {
  key: ResourceKey;
  cache: KindCache;
  served: ServedKind;
  transport: Transport;
}

/** Creates or changes a dependent by server-side apply. */
export async function applyOwned(
  { key, cache, served, transport }: OwnedTarget,
  { labels, annotations, fields }: OwnedContent,
  { owner, fieldManager, signal }: OwnedWriteOptions,
): Promise<WriteResult> {
  const { namespace, name, apiVersion, kind } = parseKey(key);
  const current = cache.get(namespace, name);
  if (current && !isOwnedBy(current, owner.metadata)) throw notOwned(key, owner);
  const digest = createHash('sha256')
    .update(formatJson([fieldManager, labels, annotations, fields]))
    .digest('hex');
  const marks = { ...(labels && { labels }), annotations: { ...annotations, [digestAnnotation]: digest.slice(0, 16) } };
  if (current && !current.metadata.deletionTimestamp && isUpToDate(current, marks, fields)) return 'unchanged';
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
      body: formatJson({ ...fields, apiVersion, kind, metadata }),
      signal,
    });
    cache.putWritten(answer);
    return 'written';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw writeError(error, { key, what: 'the content', verb: 'patch', served });
  }
}

/** Deletes a dependent. */
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
      body: formatJson({
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
    // Gone, or created again under the same name by another client.
    if (error.reason === 'NotFound' || error.reason === 'Conflict') return 'gone';
    throw writeError(error, { key, what: 'the current version', verb: 'delete', served });
  }
}

/** Reports whether a dependent has the content that is to be applied, and nothing was removed from the content. */
function isUpToDate(
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

/** Reports whether a value contains another one. The live value may have more, as the API server adds defaults. */
function contains(live: JsonValue | undefined, wanted: JsonValue | undefined): boolean {
  if (isJsonObject(wanted)) {
    return (
      isJsonObject(live ?? {}) &&
      Object.entries(wanted).every(([name, value]) => contains((live as JsonObject | undefined)?.[name], value))
    );
  }
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) &&
      live.length === wanted.length &&
      wanted.every((value, index) => contains(live[index], value))
    );
  }
  return jsonEquals(live, wanted);
}
