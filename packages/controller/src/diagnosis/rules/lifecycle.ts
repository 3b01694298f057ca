import { isPaused } from '../../delegation/control-annotations.ts';
import { isCancelled } from '../../delegation/operations/operation.ts';
import type { Case, Finding } from '../finding.ts';
import { argumentsFor } from '../words.ts';

/** The resource is paused, also while it is being deleted. */
export function paused({ known }: Case): Finding | undefined {
  const { base, name } = known;
  if (!isPaused(base)) return undefined;
  const effect = known.state.state === 'deleting' ? 'being deleted, but paused' : 'paused';
  return {
    reason: 'Paused',
    summary: `${name} is ${effect} by its annotation kplug.dev/paused`,
    advice: `Resume it: "kplug resume ${argumentsFor(known)}"`,
  };
}

/** The resource is being deleted. */
export function deleting(given: Case): Finding | undefined {
  const { name, state, delegation } = given.known;
  if (state.state !== 'deleting') return undefined;
  const { reason, message } = state;
  if (reason === 'PluginGone') {
    const { name: of } = delegation.settings;
    const advice = `Start the plugin again. If it is gone for good, set "finalize.whenPluginGone" to "fallback" or "release" in the delegation ${of}; what the plugin created may remain then`;
    return { reason, summary: `${name} can't be deleted: ${message}`, advice };
  }
  if (reason === 'Deleting') return { reason, summary: `${name} is being deleted`, advice: waitForPass(given) };
  if (reason === 'DependentsDeleting') {
    const advice = 'Wait; a dependent that stays has finalizers of others, or is in use: "kubectl describe" shows them';
    return { reason, summary: `${name} waits to be deleted until its dependents are gone: ${message}`, advice };
  }
  if (reason === 'InProgress')
    return { reason, summary: `${name} is being deleted: ${message}`, advice: waiting(given) };
  const advice = `Solve what the plugin names; it is asked again by itself, and at once by "kplug reconcile ${argumentsFor(given.known)}"`;
  return { reason, summary: `${name} can't be deleted: ${message}`, advice };
}

/** A plugin has an operation in progress. */
export function inProgress(given: Case): Finding | undefined {
  const { base, state, name, delegation } = given.known;
  if (state.reason !== 'InProgress') return undefined;
  const details = delegation
    .operationsOf(base)
    .filter((operation) => isCancelled(operation, base, state.state === 'deleting'))
    .map(({ plugin }) => `The operation of ${plugin} is no longer wanted, and the next call says so`);
  return {
    reason: state.reason,
    summary: `${name} is being worked on: ${state.message}`,
    advice: waiting(given),
    details,
  };
}

/** The resource, or its present generation, has not been reconciled yet. */
export function notReconciled(given: Case): Finding | undefined {
  const { state, name } = given.known;
  if (state.reason !== 'NotReconciled') return undefined;
  const summary = `${name}: ${state.message.replace(/^the resource/, 'it')}`;
  return { reason: state.reason, summary, advice: waitForPass(given) };
}

/** Says when the next pass is due. */
export function waitForPass({ known: { delegation }, parts }: Case): string {
  if (parts.isStandby()) return 'Wait for the operator that leads, or until this one does: "kplug doctor"';
  const { waiting: others } = delegation.load;
  return `Wait: ${others} resources of the delegation ${delegation.settings.name} are in line; "kplug top" shows what takes long`;
}

function waiting({ known }: Case): string {
  return `Wait; "kplug trace ${argumentsFor(known)} -w" shows the progress`;
}
