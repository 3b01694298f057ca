import { type DependentReason, readInventory, reasonOf } from '../delegation/dependents/inventory.ts';
import type { Gathered } from '../delegation/extensions/gather.ts';
import { assessReadiness } from '../readiness/assess-readiness.ts';
import { findCondition } from '../resources/conditions.ts';
import { formatKey, keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import type { Readiness } from './trace-node.ts';

/** A resource that is related to a base, with its state. */
export interface Related {
  key: ResourceKey;
  ready: Readiness;
  reason: string;
  message: string;
  /** Time of the last change of the reason, in milliseconds since the epoch; `undefined` if it isn't known. */
  since: number | undefined;
}

/** Returns the extensions of a base: those that were found, then those that could not be resolved or are ignored. */
export function relatedExtensions({ extensions, problems }: Gathered): Related[] {
  const unresolved = problems.flatMap(({ reference, reason, message }): Related[] =>
    reference ? [{ key: formatKey(reference), ready: 'False', reason, message, since: undefined }] : [],
  );
  return [...[...extensions.values()].map(relatedResource), ...unresolved];
}

/** Returns the dependents that the status of a base lists. */
export function relatedDependents(base: Resource): Related[] {
  return readInventory(base).map(({ key, reason, message = '', since }) => ({
    key,
    ready: readinessOf(reason),
    reason: reason ?? '',
    message,
    since: timeOf(since),
  }));
}

/** Returns the state of a resource by the conventions of its kind. */
export function relatedResource(resource: Resource): Related {
  const { state, message } = assessReadiness(resource);
  return {
    key: keyOf(resource),
    ready: readinessOf(reasonOf[state]),
    reason: reasonOf[state],
    message,
    since: timeOf(findCondition(resource.status, 'Ready')?.lastTransitionTime),
  };
}

/** Older versions of the controller wrote no reason. */
function readinessOf(reason: DependentReason | undefined): Readiness {
  if (reason === undefined) return 'Unknown';
  return reason === 'Ready' ? 'True' : 'False';
}

/** Reads a time in RFC 3339, in milliseconds since the epoch. */
export function timeOf(time: string | undefined): number | undefined {
  const parsed = Date.parse(time ?? '');
  return Number.isNaN(parsed) ? undefined : parsed;
}
