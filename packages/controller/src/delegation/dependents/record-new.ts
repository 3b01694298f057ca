import type { Resources } from '../../resources/port.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import type { Pass } from '../passes/pass.ts';
import type { Claim } from './claims.ts';
import { findOwned } from './find-owned.ts';
import { type ListedDependent, type ReportedDependent, stampDependent, writeInventory } from './inventory.ts';

/**
 * Lists dependents in the status of their base before they are created. If the controller is killed before it reports them, and the plugin
 * no longer requests them then, the next controller would otherwise not know them, and they would stay for as long as the base.
 */
export async function recordNew(
  { base, context: { resources, settings } }: Pass,
  wanted: readonly Claim[],
  inventory: readonly ListedDependent[],
): Promise<void> {
  const listed = new Set(inventory.map((entry) => entry.key));
  const added = wanted.filter(({ key, isObserved }) => {
    return !listed.has(key) && !isObserved && !findOwned(resources, key, base);
  });
  if (added.length === 0) return;
  const now = new Date();
  const state = { reason: 'Waiting', message: 'it is not applied yet' } as const;
  const entries = added.map((claim) => stampDependent(claim, state, inventory, now));
  await listDependents(resources, base, entries, settings.fieldManager);
}

/** Adds dependents to those that the status of a base lists. */
export async function listDependents(
  resources: Pick<Resources, 'applyStatus'>,
  base: Resource,
  added: readonly ReportedDependent[],
  fieldManager: string,
): Promise<void> {
  const { dependents: former } = base.status ?? {};
  const dependents = [...(Array.isArray(former) ? former : []), ...writeInventory(added)];
  await resources.applyStatus(keyOf(base), { dependents }, { uid: base.metadata.uid, fieldManager, merge: true });
}
