import { jsonEquals } from '../../resources/json.ts';
import type { OwnedContent } from '../../resources/port.ts';
import { describeKey, type JsonObject } from '../../resources/resource.ts';
import type { InventoryEntry } from './inventory.ts';
import type { ReadRules } from './read-rules.ts';

/** Dependent that a plugin requests. */
export interface Claim extends InventoryEntry {
  content: OwnedContent;
  rules: ReadRules;
}

/** Dependents to apply, each once, and a message about others with the same key and another content, if any. */
export interface Claims {
  granted: Claim[];
  problem: string | undefined;
}

/**
 * Decides what a dependent has that several plugins request, in the mode `all`: the content of the plugin that has it already, otherwise
 * of the first one. So no plugin changes the dependents of another. Plugins that agree share it.
 */
export function decideClaims(claims: readonly Claim[], inventory: readonly InventoryEntry[]): Claims {
  const granted: Claim[] = [];
  const problems: string[] = [];
  for (const rivals of Map.groupBy(claims, ({ key }) => key).values()) {
    const holder = inventory.find(({ key }) => key === rivals[0]?.key)?.plugin;
    const winner = rivals.find(({ plugin }) => holder?.equals(plugin)) ?? rivals[0];
    if (!winner) continue;
    granted.push(winner);
    for (const { key, plugin, content } of rivals) {
      if (jsonEquals(content as unknown as JsonObject, winner.content as unknown as JsonObject)) continue;
      const subject = `${plugin.text} requests the dependent ${describeKey(key)}`;
      problems.push(
        `${subject}, which ${winner.plugin.text} has, with another content; let one of them use another name`,
      );
    }
  }
  return { granted, problem: problems.length > 0 ? problems.join('; ') : undefined };
}
