import type { Choice } from '../delegation/choices/choose.ts';
import type { Delegation } from '../delegation/delegation.ts';
import type { Gathered } from '../delegation/extensions/gather.ts';
import type { BaseState } from '../delegation/states/base-state.ts';
import type { Refusal } from '../registry/recent-refusals.ts';
import type { Registry } from '../registry/registry.ts';
import { findCondition } from '../resources/conditions.ts';
import { describeKey, keyOf, type Resource, type ResourceReference } from '../resources/resource.ts';
import { type JudgedCandidate, judgeCandidates } from './candidates.ts';
import { timeOf } from './related.ts';
import type { Readiness } from './trace-node.ts';

/** Parts of an operator that a diagnosis asks. */
export interface DiagnosisParts {
  registry: Registry;
  /** Returns the registrations that were refused recently. */
  refusals: () => readonly Refusal[];
  /** Reports whether the operator waits for leadership. */
  isStandby: () => boolean;
  /** Finds a base resource of any delegation by its group, kind, namespace and name. */
  find: (reference: ResourceReference) => FoundBase | undefined;
}

/** Base resource with its delegation. */
export interface FoundBase {
  base: Resource;
  delegation: Delegation;
}

/** What is known about a base resource, by which it is diagnosed. */
export interface KnownBase extends FoundBase {
  /** `Kind namespace/name`. */
  name: string;
  state: BaseState;
  choice: Choice;
  candidates: readonly JudgedCandidate[];
  gathered: Gathered;
}

/** Gathers what is known about a base resource. */
export function learn({ base, delegation }: FoundBase): KnownBase {
  const choice = delegation.explain(base);
  return {
    base,
    delegation,
    name: describeKey(keyOf(base)),
    state: delegation.stateOf(base),
    choice,
    candidates: judgeCandidates(choice, delegation),
    gathered: delegation.gather(base),
  };
}

/** Returns whether a base is ready, as far as that is known, and since when. A status that can't be written may be out of date. */
export function readinessOf({ base, delegation }: FoundBase): {
  ready: Readiness;
  reason: string;
  message: string;
  since: number | undefined;
} {
  const failure = delegation.writeFailureOf(keyOf(base));
  const condition = findCondition(base.status, 'Ready');
  const since = timeOf(condition?.lastTransitionTime);
  if (failure) return { ready: 'False', reason: failure.code, message: failure.message, since };
  return {
    ready: condition?.status ?? 'Unknown',
    reason: condition?.reason ?? '',
    message: condition?.message ?? '',
    since,
  };
}
