import type { PluginCall } from '../clients/plugin-call.ts';
import { KplugError } from '../errors.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Attempt } from './attempt.ts';
import { readDesired } from './dependents/read-desired.ts';
import type { Pass } from './pass.ts';

/** Calls the Reconcile method of plugins concurrently. */
export function callAll(
  pass: Pass,
  implementations: readonly Implementation[],
  choice: { reason: string; message: string },
): Promise<Attempt[]> {
  return Promise.all(implementations.map((implementation) => callOne(pass, implementation, choice)));
}

/** Makes the call of one plugin for the base of a pass. */
export function makeCall(
  { context: { settings, dependents }, gathered: { base, extensions }, attempt }: Pass,
  { api }: Implementation,
  { reason, message }: { reason: string; message: string },
): PluginCall {
  const assignment = { delegation: settings.name, api: api.name, apiVersion: api.version.version, reason, message };
  return { base, extensions, dependents: dependents.of(base), assignment, attempt };
}

async function callOne(
  pass: Pass,
  implementation: Implementation,
  choice: { reason: string; message: string },
): Promise<Attempt> {
  const { caller, settings } = pass.context;
  try {
    const answer = await caller.reconcile(implementation, makeCall(pass, implementation, choice), settings.deadline);
    // An answer with a forbidden dependent is refused as a whole, before anything is written.
    readDesired(answer.dependents ?? [], pass.base, settings);
    return { implementation, answer };
  } catch (error) {
    if (!(error instanceof KplugError)) throw error;
    return { implementation, error };
  }
}
