import { formatJson } from '@kplug/protocol';
import { KplugError } from '../../errors.ts';
import { findJsonFault, formatPath, jsonEquals } from '../json.ts';
import { mergePatch } from '../merge-patch.ts';
import type { WriteOptions, WriteResult } from '../port.ts';
import { describeKey, type JsonObject, type Resource } from '../resource.ts';
import { statusAnnotationOf } from './annotation-statuses.ts';
import { isApplied } from './owned-fields.ts';
import { ownedStatus } from './owned-status.ts';
import { writeInVersion } from './write-in-version.ts';
import type { Patch, WriteTarget } from './write-target.ts';

/**
 * Writes statuses by server-side apply, unless they would change nothing. The status of a kind without one, such as ConfigMap, goes into
 * an annotation.
 */
export class StatusWriter {
  /**
   * Statuses that the API server changed when it applied them, with defaults or without unknown fields. Applying one of them to the
   * same resource again would change nothing.
   */
  readonly #settled = new WeakMap<Resource, Map<string, JsonObject>>();

  async apply(target: WriteTarget, given: JsonObject, options: WriteOptions): Promise<WriteResult> {
    const { fieldManager, merge } = options;
    const status = merge ? mergePatch(earlierStatus(target, fieldManager), given) : given;
    const fault = findJsonFault(status);
    if (fault) {
      const subject = formatPath(['status', ...fault.path]);
      const reference = describeKey(target.key);
      const message = `The status of ${reference} can't be written: ${subject} ${fault.message}.`;
      throw new KplugError('InvalidResponse', message);
    }
    if (this.#isCurrent(target, target.resource, status, fieldManager)) return 'unchanged';
    const answer = await writeInVersion(target, (resource) => composePatch(target, resource, status, options));
    if (typeof answer === 'string') return answer;
    const current = target.current();
    if (current && !this.#isCurrent(target, current, status, fieldManager)) this.#settle(current, status, fieldManager);
    const isSame = answer.metadata.resourceVersion === target.resource.metadata.resourceVersion;
    return isSame ? 'unchanged' : 'written';
  }

  #isCurrent({ cache, hasStatus }: WriteTarget, resource: Resource, status: JsonObject, fieldManager: string): boolean {
    if (!hasStatus) return jsonEquals(status, cache.annotationStatuses(resource).get(fieldManager) ?? {});
    if (isApplied(status, resource.status, cache.ownedFields(resource).get(fieldManager))) return true;
    const settled = this.#settled.get(resource)?.get(fieldManager);
    return settled !== undefined && jsonEquals(settled, status);
  }

  #settle(resource: Resource, status: JsonObject, fieldManager: string): void {
    const settled = this.#settled.get(resource) ?? new Map<string, JsonObject>();
    this.#settled.set(resource, settled.set(fieldManager, status));
  }
}

function composePatch(
  { hasStatus }: WriteTarget,
  { apiVersion, kind, metadata: { name, namespace, resourceVersion } }: Resource,
  status: JsonObject,
  { fieldManager, signal }: WriteOptions,
): Patch {
  const metadata = { name, ...(namespace && { namespace }), resourceVersion };
  const isEmpty = Object.keys(status).length === 0;
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
      body: { apiVersion, kind, metadata, ...(!isEmpty && { status }) },
    };
  }
  const annotations = isEmpty ? {} : { [statusAnnotationOf(fieldManager)]: formatJson(status) };
  return { ...common, body: { apiVersion, kind, metadata: { ...metadata, annotations } } };
}

/** Returns the status that a field manager applied earlier. */
function earlierStatus({ cache, resource, hasStatus }: WriteTarget, fieldManager: string): JsonObject {
  if (!hasStatus) return cache.annotationStatuses(resource).get(fieldManager) ?? {};
  return ownedStatus(resource.status, cache.ownedFields(resource).get(fieldManager));
}
