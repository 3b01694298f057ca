import type { AssignedCapability, PluginCall, RequiredResources } from '../../clients/plugin-call.ts';
import { KplugError } from '../../errors.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { Resource } from '../../resources/resource.ts';
import { resolveCapability } from '../../selection/capability.ts';
import { readHeldCapability, readWantedCapability } from '../choices/read-capability.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { divideRequired } from '../dependents/observed.ts';
import { readDesired } from '../dependents/read-desired.ts';
import { isCancelled } from '../operations/operation.ts';
import type { Pass } from '../passes/pass.ts';
import type { PassContext } from '../passes/pass-context.ts';
import type { Attempt } from './attempt.ts';
import { callInRounds } from './call-in-rounds.ts';
import { hashInput } from './hash-input.ts';

/** State that a call is made from. */
export interface CallSource extends Pick<Pass, 'gathered' | 'attempt'> {
  context: Pick<PassContext, 'settings' | 'dependents' | 'operations' | 'requirements'>;
}

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

/**
 * Makes the call of one plugin for the base of a pass.
 *
 * @param found resources that the plugin required, and dependents that it observes.
 * @param isFinalizing true for a call of Finalize.
 */
export function makeCall(
  { context: { settings, dependents, operations }, gathered: { base, extensions }, attempt }: CallSource,
  { plugin, api }: Implementation,
  { reason, message }: { reason: string; message: string },
  found: RequiredResources,
  isFinalizing = false,
): PluginCall {
  const known = operations.find(base, plugin);
  const operation = known && { ...known, isCancelled: isCancelled(known, base, isFinalizing) };
  const capability = assignedCapability(base, settings, api);
  const apiVersion = api.version.version;
  const assignment = { delegation: settings.name, api: api.name, apiVersion, reason, message, ...capability };
  const { maxStatusSize, v0Calls: calls, v0Concurrency: concurrency } = settings;
  const v0 = { calls, concurrency };
  const { observed, required } = divideRequired(found);
  const resources = { base, extensions, dependents: new Map([...dependents.of(base), ...observed]), required };
  return { ...resources, assignment, operation, attempt, maxStatusSize, v0 };
}

/** Returns the capability that a base asks for, in the version that it gets. The former version is that of the last successful call. */
function assignedCapability(
  base: Resource,
  settings: DelegationSettings,
  api: Implementation['api'],
): { capability?: AssignedCapability } {
  const wanted = readWantedCapability(base, settings);
  if (!wanted || typeof wanted === 'string') return {};
  const held = readHeldCapability(base);
  // While the base is finalized, the version that it has counts.
  const resolved = resolveCapability(api.provides, wanted, held) ?? held;
  return resolved ? { capability: { ...resolved, previousVersion: held?.version ?? '' } } : {};
}

async function callOne(
  pass: Pass,
  implementation: Implementation,
  choice: { reason: string; message: string },
): Promise<Attempt> {
  const { caller, settings, resources } = pass.context;
  try {
    const { call, answer } = await callInRounds(pass, {
      implementation,
      isFinalizing: false,
      make: (required) => makeCall(pass, implementation, choice, required),
      send: (made) => caller.reconcile(implementation, made, pass.steps),
    });
    const { capability } = call.assignment;
    // An answer with a forbidden dependent is refused as a whole, before anything is written.
    const desired = answer.dependents && readDesired(answer.dependents, pass.base, settings, resources);
    const { validFor } = answer;
    const validity = validFor && { input: hashInput(implementation, call), until: performance.now() + validFor };
    return { implementation, answer, desired, seen: call.dependents, capability, ...(validity && { validity }) };
  } catch (error) {
    if (!(error instanceof KplugError) || error.code === 'Stopped') throw error;
    caller.refused(implementation, error);
    return { implementation, error };
  }
}
