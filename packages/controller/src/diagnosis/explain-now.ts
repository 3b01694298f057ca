import type { Choice } from '../delegation/choices/choose.ts';
import { describePause, isPaused } from '../delegation/control-annotations.ts';
import type { Delegation } from '../delegation/delegation.ts';
import { findHolder } from '../delegation/holders/holder.ts';
import { formatPlugin } from '../names.ts';
import type { Registry } from '../registry/registry.ts';
import type { Resource } from '../resources/resource.ts';

/** Returns what would happen with a resource now, and why. */
export function explainNow(
  base: Resource,
  delegation: Delegation,
  choice: Choice,
  registry: Registry,
): { reason: string; message: string } {
  if (isPaused(base)) return { reason: 'Paused', message: describePause(base) };
  if (base.metadata.deletionTimestamp !== undefined) {
    return { reason: 'Deleted', message: explainDeletion(base, delegation, registry) };
  }
  return { reason: choice.reason, message: choice.message };
}

/** Names the plugins that have to finalize a resource before it is gone. */
function explainDeletion(base: Resource, { settings, holders: all }: Delegation, registry: Registry): string {
  const holders = all.holdersOf(base).map((holder) => {
    const api = holder.api === undefined ? '' : ` (API ${holder.api} ${holder.apiVersion ?? ''})`;
    const found = findHolder(holder, settings, registry);
    const state = !found ? 'it is unavailable' : `${formatPlugin(found)} is available`;
    return `${formatPlugin(holder)}${api} holds the resource and must finalize it; ${state}`;
  });
  return holders.join('; ') || 'no plugin holds the resource';
}
