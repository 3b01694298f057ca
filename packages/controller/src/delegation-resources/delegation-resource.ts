import {
  type DelegationDefaults,
  type DelegationSettings,
  overlap,
  readDeclaration,
} from '../delegation/delegation-settings.ts';
import { messageOf } from '../errors.ts';
import { keyOf, type Resource, type ResourceKey, type ResourceKind } from '../resources/resource.ts';

/** Kind of the resources by which users declare delegations. */
export const delegationKind: ResourceKind = { apiVersion: 'delegations.kplug.dev/v1alpha1', kind: 'Delegation' };

/** Label with the name of the operator that a `Delegation` is for. Without it, it is for the operator without a name. */
export const operatorLabel = 'kplug.dev/operator';

/** Reason why a `Delegation` resource isn't accepted. */
export interface Refusal {
  reason: 'Malformed' | 'NameTaken' | 'KindTaken';
  message: string;
}

/** Verdict on a `Delegation` resource: its settings if it is accepted, or the refusal. */
export type Verdict = { settings: DelegationSettings; refusal?: never } | { settings?: never; refusal: Refusal };

/**
 * Decides which `Delegation` resources are accepted. Pure. Malformed ones aren't, nor those that reconcile the same resources as
 * another delegation: delegations that are declared in code come first, then the oldest.
 */
export function judge(
  resources: Iterable<Resource>,
  declaredInCode: Iterable<DelegationSettings>,
  defaults: DelegationDefaults = {},
): ReadonlyMap<ResourceKey, Verdict> {
  const accepted = [...declaredInCode];
  const verdicts = new Map<ResourceKey, Verdict>();
  for (const resource of [...resources].sort(byAge)) {
    const verdict = judgeOne(resource, accepted, defaults);
    if (verdict.settings) accepted.push(verdict.settings);
    verdicts.set(keyOf(resource), verdict);
  }
  return verdicts;
}

function judgeOne(
  { metadata: { name }, spec }: Resource,
  accepted: readonly DelegationSettings[],
  defaults: DelegationDefaults,
): Verdict {
  let settings: DelegationSettings;
  try {
    settings = readDeclaration({ ...spec, name }, defaults);
  } catch (error) {
    return { refusal: { reason: 'Malformed', message: messageOf(error) } };
  }
  if (accepted.some((other) => other.name === name)) {
    const message = `another delegation is named "${name}"; delete this one and apply it with another name`;
    return { refusal: { reason: 'NameTaken', message } };
  }
  const rival = accepted.find((other) => overlap(other, settings));
  if (!rival) return { settings };
  const { kind, apiVersion } = settings.base;
  const message = `the delegation "${rival.name}" already reconciles ${kind} (${apiVersion}); change or delete one, or give them different namespaces`;
  return { refusal: { reason: 'KindTaken', message } };
}

function byAge({ metadata: a }: Resource, { metadata: b }: Resource): number {
  const order = (a.creationTimestamp ?? '').localeCompare(b.creationTimestamp ?? '');
  return order || a.name.localeCompare(b.name);
}
