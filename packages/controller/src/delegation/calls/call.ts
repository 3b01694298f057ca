import type { PluginCall } from '../../clients/plugin-call.ts';
import { KplugError } from '../../errors.ts';
import type { Implementation } from '../../registry/implementation.ts';
import { readDesired } from '../dependents/read-desired.ts';
import type { Pass } from '../passes/pass.ts';
import type { Attempt } from './attempt.ts';

/** Calls the Reconcile method of plugins concurrently. Rejects with `Stopped` when the controller stops before a call was made. */
export async function callAll(
  pass: Pass,
  implementations: readonly Implementation[],
  choice: { reason: string; message: string },
): Promise<Attempt[]> {
  const results = await Promise.allSettled(
    implementations.map((implementation) => callOne(pass, implementation, choice)),
  );
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Makes the call of one plugin for the base of a pass. */
export function makeCall(
  { context: { settings, dependents }, gathered: { base, extensions }, attempt }: Pass,
  { api }: Implementation,
  { reason, message }: { reason: string; message: string },
): PluginCall {
  const assignment = { delegation: settings.name, api: api.name, apiVersion: api.version.version, reason, message };
  const { maxStatusSize, v0Calls: calls, v0Concurrency: concurrency } = settings;
  const v0 = { calls, concurrency };
  return { base, extensions, dependents: dependents.of(base), assignment, attempt, maxStatusSize, v0 };
}

async function callOne(
  pass: Pass,
  implementation: Implementation,
  choice: { reason: string; message: string },
): Promise<Attempt> {
  const { caller, settings, resources } = pass.context;
  try {
    const answer = await caller.reconcile(implementation, makeCall(pass, implementation, choice));
    // An answer with a forbidden dependent is refused as a whole, before anything is written.
    if (answer.dependents) readDesired(answer.dependents, pass.base, settings, resources);
    return { implementation, answer };
  } catch (error) {
    if (!(error instanceof KplugError) || error.code === 'Stopped') throw error;
    return { implementation, error };
  }
}
