import { KplugError } from '../../errors.ts';
import { type JsonObject, keyOf, type Resource } from '../../resources/resource.ts';
import { reconcileAtAnnotation } from '../control-annotations.ts';
import { operationsField } from '../operations/operation.ts';
import type { PassContext } from './pass-context.ts';

/** Fields that a schema may lack, with the Event about that. */
const optionalFields = {
  lastHandledReconcileAt: {
    reason: 'ReconcileAtUnreported',
    message: `${reconcileAtAnnotation} was handled, but the status can't report it`,
  },
  [operationsField]: {
    reason: 'OperationUnreported',
    message: `a plugin has an operation in progress, but the status can't store it, so that its token is lost when the operator stops; add the field ${operationsField} to the schema of the status`,
  },
} as const;

type OptionalField = keyof typeof optionalFields;

/**
 * Writes the status of a base. A schema that doesn't declare fields of the controller which few resources need must not keep a resource
 * from having a status, so that a status which is refused with them is written without them, and an Event says so.
 */
export async function writeStatus(context: PassContext, base: Resource, status: JsonObject): Promise<void> {
  const { settings, resources, events } = context;
  const key = keyOf(base);
  try {
    await resources.applyStatus(key, status, { uid: base.metadata.uid, fieldManager: settings.fieldManager });
  } catch (error) {
    const omitted = isRefused(error) ? fieldsToOmit(status, error.message) : [];
    if (!isRefused(error) || omitted.length === 0) throw error;
    const rest = Object.entries(status).filter(([field]) => !omitted.some((one) => one === field));
    await writeStatus(context, base, Object.fromEntries(rest));
    for (const field of omitted) {
      const { reason, message } = optionalFields[field];
      events.record(key, { type: 'Warning', reason, message: `${message}: ${error.message}` });
    }
  }
}

/** Returns the optional fields of a status that a refusal names, or all of them if it names none. */
function fieldsToOmit(status: JsonObject, refusal: string): OptionalField[] {
  const present = (Object.keys(optionalFields) as OptionalField[]).filter((field) => status[field] !== undefined);
  const named = present.filter((field) => refusal.includes(field));
  return named.length > 0 ? named : present;
}

function isRefused(error: unknown): error is KplugError {
  return error instanceof KplugError && error.code === 'InvalidResponse';
}
