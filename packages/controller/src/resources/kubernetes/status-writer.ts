import { KplugError } from '../../errors.ts';
import { findJsonFault, formatPath, jsonEquals } from '../json.ts';
import { mergePatch } from '../merge-patch.ts';
import type { WriteOptions, WriteResult } from '../port.ts';
import { describeReference, type JsonObject, parseKey, type Resource } from '../resource.ts';
import { noteOf } from './annotation-statuses.ts';
import { saidBefore } from './is-applied.ts';
import { isApplied } from './owned-fields.ts';
import { writeInVersion } from './write-in-version.ts';
import type { Patch, WriteTarget } from './write-target.ts';

/**
 * Writes statuses by server-side apply, and only those that change something. Of a kind that has no status, such as ConfigMap, it
 * is noted in an annotation.
 */
export class StatusWriter {
  /**
   * What a field manager said, where the API server made something else of it (defaults, fields that were dropped): saying
   * that once more to the same resource changes nothing either.
   */
  readonly #settled = new WeakMap<Resource, Map<string, JsonObject>>();

  async apply(target: WriteTarget, given: JsonObject, options: WriteOptions): Promise<WriteResult> {
    const { fieldManager, merge } = options;
    const said = merge ? mergePatch(before(target, fieldManager), given) : given;
    const fault = findJsonFault(said);
    if (fault) {
      const subject = formatPath(['status', ...fault.path]);
      const reference = describeReference(parseKey(target.key));
      const message = `The status of ${reference} can't be written: ${subject} ${fault.message}.`;
      throw new KplugError('InvalidResponse', message);
    }
    if (this.#isSaid(target, target.resource, said, fieldManager)) return 'unchanged';
    const answer = await writeInVersion(target, (resource) => composePatch(target, resource, said, options));
    if (typeof answer === 'string') return answer;
    const current = target.current();
    if (current && !this.#isSaid(target, current, said, fieldManager)) this.#settle(current, said, fieldManager);
    const isSame = answer.metadata.resourceVersion === target.resource.metadata.resourceVersion;
    return isSame ? 'unchanged' : 'written';
  }

  #isSaid({ cache, hasStatus }: WriteTarget, resource: Resource, said: JsonObject, fieldManager: string): boolean {
    if (!hasStatus) return jsonEquals(said, cache.annotationStatuses(resource).get(fieldManager) ?? {});
    if (isApplied(said, resource.status, cache.ownedFields(resource).get(fieldManager))) return true;
    const settled = this.#settled.get(resource)?.get(fieldManager);
    return settled !== undefined && jsonEquals(settled, said);
  }

  #settle(resource: Resource, said: JsonObject, fieldManager: string): void {
    const settled = this.#settled.get(resource) ?? new Map<string, JsonObject>();
    this.#settled.set(resource, settled.set(fieldManager, said));
  }
}

function composePatch(
  { hasStatus }: WriteTarget,
  { apiVersion, kind, metadata: { name, namespace, resourceVersion } }: Resource,
  said: JsonObject,
  { fieldManager, signal }: WriteOptions,
): Patch {
  const metadata = { name, ...(namespace && { namespace }), resourceVersion };
  const isSilent = Object.keys(said).length === 0;
  const common = {
    what: 'the status',
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager, force: 'true' },
    signal,
  } as const;
  if (hasStatus) {
    return {
      ...common,
      subresource: 'status',
      body: { apiVersion, kind, metadata, ...(!isSilent && { status: said }) },
    };
  }
  const annotations = isSilent ? {} : { [noteOf(fieldManager)]: JSON.stringify(said) };
  return { ...common, body: { apiVersion, kind, metadata: { ...metadata, annotations } } };
}

function before({ cache, resource, hasStatus }: WriteTarget, fieldManager: string): JsonObject {
  if (!hasStatus) return cache.annotationStatuses(resource).get(fieldManager) ?? {};
  return saidBefore(resource.status, cache.ownedFields(resource).get(fieldManager));
}
