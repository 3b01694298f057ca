import { describeReference, parseKey } from '../../resources/resource.ts';
import type { InventoryEntry } from './inventory.ts';

/** Dependents without those that another plugin has, and a message about the latter, if any. */
export interface Claims<T extends InventoryEntry> {
  granted: T[];
  problem: string | undefined;
}

/**
 * Decides which plugin has a dependent that several request, in the mode `all`: the one that has it already, otherwise the first one. So
 * no plugin changes the dependents of another.
 */
export function decideClaims<T extends InventoryEntry>(
  claims: readonly T[],
  inventory: readonly InventoryEntry[],
): Claims<T> {
  const granted: T[] = [];
  const problems: string[] = [];
  for (const rivals of Map.groupBy(claims, ({ key }) => key).values()) {
    const holder = inventory.find(({ key }) => key === rivals[0]?.key)?.plugin;
    const winner = rivals.find(({ plugin }) => holder?.equals(plugin)) ?? rivals[0];
    if (!winner) continue;
    granted.push(winner);
    for (const { key, plugin } of rivals.filter((rival) => rival !== winner)) {
      const subject = `${plugin.text} requests the dependent ${describeReference(parseKey(key))}`;
      problems.push(`${subject}, which ${winner.plugin.text} has; let one of them use another name`);
    }
  }
  return { granted, problem: problems.length > 0 ? problems.join('; ') : undefined };
}
