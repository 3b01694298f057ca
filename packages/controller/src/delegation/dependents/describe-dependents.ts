import { assessReadiness } from '../../readiness/assess-readiness.ts';
import { isSameKind, parseKey, type Resource } from '../../resources/resource.ts';
import type { Attempt } from '../calls/attempt.ts';
import type { Pass } from '../passes/pass.ts';
import { findOwned } from './find-owned.ts';
import {
  deletingState,
  type InventoryEntry,
  type ListedDependent,
  type ReportedDependent,
  reasonOf,
  stampDependent,
} from './inventory.ts';
import type { TimedDependent } from './summarize.ts';
import type { Workflow } from './workflow.ts';

/** Dependents of a base after they were applied. */
interface AppliedState {
  /** Dependents that the status of the base lists. */
  inventory: readonly ListedDependent[];
  /** Dependents that stay although they are not requested. */
  retained: readonly ListedDependent[];
  /** Dependents that are no longer wanted, and not gone yet. */
  remaining: readonly ListedDependent[];
  workflow: Workflow;
  now: Date;
}

/** Describes the dependents of a base: those that its status lists, and those by which the base is ready or not. */
export function describeDependents(
  pass: Pass,
  attempts: readonly Attempt[],
  { inventory, retained, remaining, workflow, now }: AppliedState,
): { listed: ReportedDependent[]; counted: TimedDependent[] } {
  const wanted = [...workflow.states.values()].map(({ claim, reason, message }): TimedDependent => {
    return { ...stampDependent(claim, { reason, message }, inventory, now), readyTimeout: claim.rules.readyTimeout };
  });
  const others = inventory.flatMap((entry): ReportedDependent[] => {
    if (workflow.states.has(entry.key)) return [];
    if (remaining.includes(entry)) return [stampDependent(entry, deletingState, inventory, now)];
    if (workflow.excluded.has(entry.key) || (workflow.isApplied && !retained.includes(entry))) return [];
    return [stampDependent(entry, stateOf(findKept(pass, entry)), inventory, now)];
  });
  const kept = others.filter(({ reason, plugin }) => {
    return reason !== 'Deleting' && attempts.some((one) => !one.desired && one.implementation.plugin.equals(plugin));
  });
  return { listed: [...wanted, ...others], counted: [...wanted, ...kept] };
}

/** Returns a dependent that its plugin doesn't mention now. The status of a base must not reveal the state of any other resource. */
function findKept({ base, context: { settings, resources } }: Pass, { key, isObserved }: InventoryEntry) {
  const isPermitted = settings.requirements.kinds.some((kind) => isSameKind(kind, parseKey(key)));
  return isObserved && isPermitted ? resources.get(key) : findOwned(resources, key, base);
}

/** Returns the state of a dependent without known rules. */
function stateOf(resource: Resource | undefined): Pick<ReportedDependent, 'reason' | 'message'> {
  if (!resource) return { reason: 'Progressing', message: 'it is not known yet' };
  const { state, message } = assessReadiness(resource);
  return { reason: reasonOf[state], message };
}
