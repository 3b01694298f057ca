import { createHash } from 'node:crypto';
import { formatJson } from '@kplug/protocol';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { isJsonObject, jsonEquals } from '../json.ts';
import { notOwned } from '../not-owned.ts';
import type { OwnedContent, OwnedWrite, OwnedWriteOptions, WriteResult } from '../port.ts';
import { adoptedMetadata, isReleasedBy, releasedMetadata } from '../released.ts';
import {
  describeKey,
  describeReference,
  isOwnedBy,
  type JsonObject,
  type JsonValue,
  type ObjectMeta,
  ownerReferenceTo,
  parseKey,
  type Resource,
  type ResourceKey,
} from '../resource.ts';
import { ApiError } from './api-error.ts';
import { objectPath } from './api-path.ts';
import { applyRequest } from './apply-request.ts';
import type { ServedKind } from './discovery.ts';
import type { KindCache } from './kind-cache.ts';
import { readLive } from './read-live.ts';
import type { Transport } from './transport.ts';
import { writeError } from './write-error.ts';
import { changedTooOften } from './write-in-version.ts';

/** Annotation with a digest of the content that was applied last, which shows when fields were removed from the content. */
const digestAnnotation = 'kplug.dev/applied';

/**
 * Resource version that no object has. An apply in it creates the object, or conflicts with one that exists, which may be unknown to the
 * cache and belong to another client.
 */
const noVersion = '1';

const { maxConflictAttempts: maxAttempts } = limits.kubernetes;

/** Dependent to write. */
export interface OwnedTarget {
  key: ResourceKey;
  cache: KindCache;
  served: ServedKind;
  transport: Transport;
}

/** Creates or changes a dependent by server-side apply. */
export async function applyOwned(
  target: OwnedTarget,
  content: OwnedContent,
  options: OwnedWriteOptions,
): Promise<OwnedWrite> {
  const { key, cache } = target;
  const { owner, createOnly = false, adopt = false, signal } = options;
  const { namespace, name } = parseKey(key);
  checkScope(target);
  const wanted = wantedState(content, options);
  let current = cache.get(namespace, name);
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    if (current && adopt) current = await adoptReleased(target, current, options);
    if (current && !isOwnedBy(current, owner.metadata)) throw notOwned(current, owner);
    // A version that was read past the cache differs from what was written last.
    if (current && (createOnly || (attempt === 1 && isUpToDate(current, wanted))))
      return { result: 'unchanged', resource: current };
    const version = current?.metadata.resourceVersion ?? noVersion;
    const resource = await write(target, 'patch', () => apply(target, wanted, version, options));
    if (resource) return { result: resultOf(resource, version), resource };
    current = await readLive(target, signal);
  }
  throw changedTooOften(key);
}

/** The API server stores some values in another form, such as 1000m as 1, so that applying them again changes nothing. */
function resultOf({ metadata: { resourceVersion } }: Resource, version: string): WriteResult {
  return resourceVersion === version ? 'unchanged' : 'written';
}

/** Takes over a dependent that its owner released earlier. Returns it as it is then. */
async function adoptReleased(
  target: OwnedTarget,
  resource: Resource,
  { owner, signal }: OwnedWriteOptions,
): Promise<Resource | undefined> {
  if (!isReleasedBy(resource, owner)) return resource;
  const { metadata } = resource;
  const adopted = await patchMetadata(target, metadata, adoptedMetadata(metadata, owner), signal);
  return adopted ?? (await readLive(target, signal));
}

/** State of a dependent that is to be applied. */
interface WantedState {
  marks: { labels?: Record<string, string>; annotations: Record<string, string> };
  fields: JsonObject;
}

function wantedState(
  { labels, annotations, fields }: OwnedContent,
  { fieldManager }: Pick<OwnedWriteOptions, 'fieldManager'>,
): WantedState {
  const digest = createHash('sha256')
    .update(formatJson([fieldManager, labels, annotations, fields]))
    .digest('hex');
  const marks = { ...(labels && { labels }), annotations: { ...annotations, [digestAnnotation]: digest.slice(0, 16) } };
  return { marks, fields };
}

/** Applies a dependent in a version, and returns it as it is then. */
async function apply(
  { key, cache, served, transport }: OwnedTarget,
  { marks, fields }: WantedState,
  resourceVersion: string,
  { owner, fieldManager, signal }: OwnedWriteOptions,
): Promise<Resource> {
  const { namespace, name, apiVersion, kind } = parseKey(key);
  const metadata = {
    name,
    ...(namespace && { namespace }),
    resourceVersion,
    ...marks,
    ownerReferences: [ownerReferenceTo(owner)],
  };
  const path = objectPath(served, namespace, name);
  const body = { ...fields, apiVersion, kind, metadata };
  const answer = await transport.request(applyRequest({ path, resource: served.plural, fieldManager, body, signal }));
  return cache.putWritten(answer).resource;
}

/** Deletes a dependent. */
export async function removeOwned(target: OwnedTarget, { owner, signal }: OwnedWriteOptions): Promise<WriteResult> {
  const { key, cache, served, transport } = target;
  const { namespace, name } = parseKey(key);
  const remove = async (known: Resource) => {
    const { uid, resourceVersion } = known.metadata;
    const answer = await transport.request({
      method: 'DELETE',
      path: objectPath(served, namespace, name),
      verb: 'delete',
      resource: served.plural,
      body: formatJson({
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid, resourceVersion },
        propagationPolicy: 'Background',
      }),
      signal,
    });
    // The answer is the object if it waits for its finalizers or its containers, and otherwise a `Status`.
    if (answer.kind === 'Status') cache.removeWritten(known);
    return answer;
  };
  let current = cache.get(namespace, name);
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const known = current;
    // Gone, or another client took it over or created it again under the same name.
    if (!known || !isOwnedBy(known, owner.metadata)) return 'gone';
    if (known.metadata.deletionTimestamp) return 'unchanged';
    try {
      if (await write(target, 'delete', () => remove(known))) return 'written';
    } catch (error) {
      if (error instanceof KplugError && error.cause instanceof ApiError && error.cause.reason === 'NotFound')
        return 'gone';
      throw error;
    }
    current = await readLive(target, signal);
  }
  throw changedTooOften(key);
}

/** Releases a dependent. */
export async function releaseOwned(target: OwnedTarget, { owner, signal }: OwnedWriteOptions): Promise<WriteResult> {
  const { key, cache } = target;
  const { namespace, name } = parseKey(key);
  let current = cache.get(namespace, name);
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    if (!current || !isOwnedBy(current, owner.metadata)) return 'gone';
    const { metadata } = current;
    if (await patchMetadata(target, metadata, releasedMetadata(metadata, owner), signal)) return 'written';
    current = await readLive(target, signal);
  }
  throw changedTooOften(key);
}

/** Changes the owners and annotations of a dependent. Returns `undefined` if it has another version. */
function patchMetadata(
  target: OwnedTarget,
  { annotations: former = {}, resourceVersion, uid }: ObjectMeta,
  { annotations, ownerReferences }: ObjectMeta,
  signal: AbortSignal | undefined,
): Promise<Resource | undefined> {
  const { key, cache, served, transport } = target;
  const { namespace, name } = parseKey(key);
  const removed = Object.keys(former).filter((one) => annotations?.[one] === undefined);
  const changed = { ...annotations, ...Object.fromEntries(removed.map((one) => [one, null])) };
  return write(target, 'patch', async () => {
    const answer = await transport.request({
      method: 'PATCH',
      path: objectPath(served, namespace, name),
      verb: 'patch',
      resource: served.plural,
      contentType: 'application/merge-patch+json',
      body: formatJson({ metadata: { uid, resourceVersion, annotations: changed, ownerReferences } }),
      signal,
    });
    return cache.putWritten(answer).resource;
  });
}

/** Makes a write in a version of the resource. Returns `undefined` if the resource has another version. Rejects with a `KplugError`. */
async function write<T>(
  { key, served }: OwnedTarget,
  verb: 'patch' | 'delete',
  request: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.reason === 'Conflict') return undefined;
    if (isImmutable(error)) {
      const subject = `the content of ${describeKey(key)} can't be written`;
      throw new KplugError('Immutable', `${subject}: a field that changes is immutable: ${error.message}`, {
        cause: error,
      });
    }
    throw writeError(error, { key, what: verb === 'patch' ? 'the content' : 'the current version', verb, served });
  }
}

/** Reports whether a change was refused as the field can't change. The API server says so in the texts of its validation only. */
function isImmutable({ reason, message }: ApiError): boolean {
  return (
    reason === 'Invalid' &&
    /immutable|updates to \S+ spec for fields other than|may not be changed|may not change once set/i.test(message)
  );
}

/** Throws `InvalidResponse` if a dependent is to be in a namespace and its kind has none, or the reverse. */
function checkScope({ key, served }: OwnedTarget): void {
  const reference = parseKey(key);
  if (served.namespaced === (reference.namespace !== '')) return;
  const subject = `${describeReference(reference)} (${reference.apiVersion})`;
  const scope = served.namespaced ? 'needs a namespace' : 'is of a cluster-scoped kind';
  throw new KplugError(
    'InvalidResponse',
    `${subject} ${scope}, unlike its owner; a dependent has the namespace of its owner`,
  );
}

/** Reports whether a dependent has the content that is to be applied, and nothing was removed from the content. */
function isUpToDate({ metadata, ...content }: Resource, { marks, fields }: WantedState): boolean {
  return (
    !metadata.deletionTimestamp &&
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
