import type { Implementation } from '../../registry/implementation.ts';
import { type Choice, choose } from '../choices/choose.ts';
import type { Pass } from '../passes/pass.ts';

/** Lets a resource that is diverted to another plugin return to the suspended one when that answers again. */
export function holdDiverted(
  { base, key, context: { settings, registry, breakers, attachments } }: Pass,
  { selection }: Choice,
): void {
  const suspended = selection.verdicts.filter(({ reason }) => reason === 'Suspended');
  if (suspended.length === 0) return;
  const { chosen } = choose(base, settings, registry, undefined, attachments).selection;
  for (const one of chosen) breakers.allows(one, 'Reconcile', key);
}

/** Returns the reason to wait if all plugins that would be called are suspended. */
export function findSuspension(
  { key, context: { breakers } }: Pass,
  ready: readonly Implementation[],
): { reason: string; message: string } | undefined {
  const isSuspended = (implementation: Implementation) => !breakers.allows(implementation, 'Reconcile', key);
  if (!ready.every(isSuspended)) return undefined;
  const messages = ready.map((implementation) => breakers.describe(implementation, 'Reconcile'));
  return { reason: 'PluginSuspended', message: messages.join('; ') };
}
