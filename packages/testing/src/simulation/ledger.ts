import type { CallRecord, Happening } from './history.ts';

/** Calls of each table so far, by UID. */
export type Ledger = Map<string, CallRecord[]>;

/** Records a call. */
export function note(ledger: Ledger, happening: Happening): void {
  if (happening.type !== 'call started') return;
  const { call } = happening;
  const calls = ledger.get(call.uid);
  if (calls) calls.push(call);
  else ledger.set(call.uid, [call]);
}

/** Reports whether a plugin was asked to reconcile a resource. */
export function hasReconciled(ledger: Ledger, uid: string, plugin: string): boolean {
  return callsOf(ledger, uid, plugin).some(({ method }) => method === 'Reconcile');
}

/** Returns the calls of a plugin for a resource. */
export function callsOf(ledger: Ledger, uid: string, plugin: string): CallRecord[] {
  return (ledger.get(uid) ?? []).filter((call) => call.plugin.toLowerCase() === plugin.toLowerCase());
}

/** Returns the names of the plugins that, after these calls, have reconciled a resource successfully and not finalized it since. */
export function holdersAfter(calls: readonly CallRecord[]): string[] {
  const holders = new Map<string, string>();
  for (const { plugin, method, outcome } of calls) {
    if (outcome !== 'success') continue;
    if (method === 'Reconcile') holders.set(plugin.toLowerCase(), plugin);
    else holders.delete(plugin.toLowerCase());
  }
  return [...holders.values()];
}
