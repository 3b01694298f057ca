import {
  type DelegationDefaults,
  type DelegationSettings,
  overlap,
  readDeclaration,
} from '../delegation/declaration.ts';
import { messageOf } from '../errors.ts';
import { keyOf, type Resource, type ResourceKey, type ResourceKind } from '../resources/resource.ts';

/** The kind by which users declare delegations while the operator runs. */
export const delegationKind: ResourceKind = { apiVersion: 'delegations.kplug.dev/v1alpha1', kind: 'Delegation' };

/** The label that says which of several operators a `Delegation` is for. Without it, it is for the one without a name. */
export const operatorLabel = 'kplug.dev/operator';

/** Why a `Delegation` resource doesn't hold. */
export interface Refusal {
  reason: 'Malformed' | 'NameTaken' | 'KindTaken';
  message: string;
}

/** What becomes of a `Delegation` resource. */
export type Verdict = { settings: DelegationSettings; refusal?: never } | { settings?: never; refusal: Refusal };

/**
 * Decides which of the `Delegation` resources hold. Pure. One that is malformed doesn't, nor one that reconciles what another
 * one does: those that are declared otherwise come first, and then the oldest.
 */
export function judge(
  resources: Iterable<Resource>,
  elsewhere: Iterable<DelegationSettings>,
  defaults: DelegationDefaults = {},
): ReadonlyMap<ResourceKey, Verdict> {
  const held = [...elsewhere];
  const verdicts = new Map<ResourceKey, Verdict>();
  for (const resource of [...resources].sort(byAge)) {
    const verdict = judgeOne(resource, held, defaults);
    if (verdict.settings) held.push(verdict.settings);
    verdicts.set(keyOf(resource), verdict);
  }
  return verdicts;
}

function judgeOne(
  { metadata: { name }, spec }: Resource,
  held: readonly DelegationSettings[],
  defaults: DelegationDefaults,
): Verdict {
  let settings: DelegationSettings;
  try {
    settings = readDeclaration({ ...spec, name }, defaults);
  } catch (error) {
    return { refusal: { reason: 'Malformed', message: messageOf(error) } };
  }
  if (held.some((other) => other.name === name)) {
    const message = `another delegation is named "${name}"; delete this one and give it another name`;
    return { refusal: { reason: 'NameTaken', message } };
  }
  const rival = held.find((other) => overlap(other, settings));
  if (!rival) return { settings };
  const { kind, apiVersion } = settings.base;
  const message = `the delegation "${rival.name}" reconciles ${kind} (${apiVersion}) already; change or delete one, or give them different namespaces`;
  return { refusal: { reason: 'KindTaken', message } };
}

function byAge({ metadata: a }: Resource, { metadata: b }: Resource): number {
  const order = (a.creationTimestamp ?? '').localeCompare(b.creationTimestamp ?? '');
  return order || a.name.localeCompare(b.name);
}
