import { KplugError } from '../../errors.ts';
import { type JsonObject, keyOf, type Resource } from '../../resources/resource.ts';
import { reconcileAtAnnotation } from '../control-annotations.ts';
import type { PassContext } from './pass-context.ts';

/**
 * Writes the status of a base. A schema that doesn't declare `lastHandledReconcileAt` must not keep a resource that somebody annotated
 * from having a status, so that a status which is refused with this field is written without it, and an Event says so.
 */
export async function writeStatus(
  { settings, resources, events }: PassContext,
  base: Resource,
  status: JsonObject,
): Promise<void> {
  const key = keyOf(base);
  const options = { uid: base.metadata.uid, fieldManager: settings.fieldManager };
  try {
    await resources.applyStatus(key, status, options);
  } catch (error) {
    const { lastHandledReconcileAt, ...rest } = status;
    if (lastHandledReconcileAt === undefined || !isRefused(error)) throw error;
    await resources.applyStatus(key, rest, options);
    const message = `${reconcileAtAnnotation} was handled, but the status can't report it: ${error.message}`;
    events.record(key, { type: 'Warning', reason: 'ReconcileAtUnreported', message });
  }
}

function isRefused(error: unknown): error is KplugError {
  return error instanceof KplugError && error.code === 'InvalidResponse';
}
