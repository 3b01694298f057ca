import type { Pass } from '../passes/pass.ts';
import type { Claim } from './claims.ts';
import { findOwned } from './find-owned.ts';
import { type ListedDependent, stampDependent, writeInventory } from './inventory.ts';

/**
 * Lists dependents in the status of their base before they are created. If the controller is killed before it reports them, and the plugin
 * no longer requests them then, the next controller would otherwise not know them, and they would stay for as long as the base.
 */
export async function recordNew(
  { base, key, context: { resources, settings } }: Pass,
  wanted: readonly Claim[],
  inventory: readonly ListedDependent[],
): Promise<void> {
  const listed = new Set(inventory.map((entry) => entry.key));
  const added = wanted.filter((claim) => !listed.has(claim.key) && !findOwned(resources, claim.key, base));
  if (added.length === 0) return;
  const now = new Date();
  const state = { reason: 'Waiting', message: 'it is not applied yet' } as const;
  const entries = added.map((claim) => stampDependent(claim, state, inventory, now));
  const { dependents: former = [] } = base.status ?? {};
  const dependents = [...(Array.isArray(former) ? former : []), ...writeInventory(entries)];
  const { uid } = base.metadata;
  await resources.applyStatus(key, { dependents }, { uid, fieldManager: settings.fieldManager, merge: true });
}
