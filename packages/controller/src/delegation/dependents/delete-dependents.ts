import type { Pass } from '../passes/pass.ts';
import type { RemainingDependents } from './applied-dependents.ts';
import { deletingState, readInventory, stampDependent, writeInventory } from './inventory.ts';
import { nameOf } from './read-rules.ts';
import { removeDependents } from './remove-dependents.ts';

/** Deletes the dependents of a deleted base, in reverse order, and releases those that are to be retained. Returns those that remain. */
export async function deleteDependents({ base, key, context }: Pass): Promise<RemainingDependents | undefined> {
  const { settings, resources, dependents: follower } = context;
  const inventory = readInventory(base);
  const options = { owner: base, fieldManager: settings.fieldManager };
  const remaining = await follower.writing(key, (writes) =>
    removeDependents(inventory.toReversed(), resources, options, writes),
  );
  const [first] = remaining;
  if (!first) return undefined;
  const now = new Date();
  const stamped = remaining.toReversed().map((entry) => stampDependent(entry, deletingState, inventory, now));
  const others = remaining.length > 1 ? `, and then ${remaining.length - 1} more` : '';
  return {
    applied: { dependents: writeInventory(stamped) },
    message: `waiting until the dependent ${nameOf(first.key)} is gone${others}`,
  };
}
