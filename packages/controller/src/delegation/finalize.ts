import type { FinalizeCause } from '../clients/plugin-call.ts';
import { KplugError } from '../errors.ts';
import { formatPlugin } from '../names.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { PresentChoice } from '../selection/candidate.ts';
import { type Suspensions, select } from '../selection/select.ts';
import { type Failure, failureOf } from './attempt.ts';
import { makeCall } from './call.ts';
import { findHolder } from './choose.ts';
import type { Pass } from './pass.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { holdersOf } from './status.ts';
import { TriedPlugins, unreachable } from './tried-plugins.ts';

/** Finalizes a resource that is being deleted: asks the plugins that reconciled it to clean up, and removes the finalizer. */
export async function finalizeDeleted(pass: Pass): Promise<PassResult> {
  const { base, key } = pass;
  const { settings, resources } = pass.context;
  if (!base.metadata.finalizers?.includes(settings.finalizer)) return { next: 'done' };
  // The finalizer may have been added before the delegation was changed to need none.
  for (const holder of settings.finalize.needed ? holdersOf(base) : []) {
    const result = await finalizeWith(pass, holder);
    if (result !== 'finalized') return result;
  }
  const options = { uid: base.metadata.uid, fieldManager: settings.fieldManager };
  await resources.removeFinalizer(key, settings.finalizer, options);
  return { next: 'done' };
}

/** Outcome of a call of Finalize. `unreachable`: no instance of the plugin can be reached, as the registry knows by now. */
export type Finalization =
  | { outcome: 'finalized' }
  | { outcome: 'failed'; failure: Failure }
  | { outcome: 'unreachable' };

/** Calls Finalize of a plugin, and records the events of its answer. */
export async function callFinalize(
  pass: Pass,
  implementation: Implementation,
  cause: FinalizeCause,
): Promise<Finalization> {
  const { caller } = pass.context;
  const call = makeCall(pass, implementation, assignments[cause]);
  try {
    const answer = await caller.finalize(implementation, call, cause);
    pass.reporter.recordEvents(answer.events);
    if (answer.outcome === 'success') return { outcome: 'finalized' };
    return { outcome: 'failed', failure: failureOf({ implementation, answer }) };
  } catch (error) {
    if (!(error instanceof KplugError)) throw error;
    if (error.code === 'PluginUnavailable') return { outcome: 'unreachable' };
    return { outcome: 'failed', failure: failureOf({ implementation, error }) };
  }
}

const assignments = {
  deleted: { reason: 'Deleted', message: 'the resource is being deleted' },
  handedOver: { reason: 'HandedOver', message: 'the resource is handed over to another plugin' },
} as const;

/** Has one plugin clean up. Returns the result of the pass if that failed or has to wait. */
async function finalizeWith(pass: Pass, holder: PresentChoice): Promise<PassResult | 'finalized'> {
  const tried = new TriedPlugins();
  for (;;) {
    if (pass.kept.isFinalized(pass.base, holder)) return 'finalized';
    const implementation = findFinalizer(pass, holder);
    if (!implementation) return handleMissingPlugin(pass, holder);
    if (!tried.add([implementation])) return pass.reporter.finalizing(unreachable([implementation]));
    const finalization = await callFinalize(pass, implementation, 'deleted');
    if (finalization.outcome === 'finalized') {
      pass.kept.keepFinalized(pass.base, holder);
      return 'finalized';
    }
    if (finalization.outcome === 'failed') return pass.reporter.finalizing(finalization.failure);
  }
}

/** Returns the plugin that has to clean up, or another one that may while that is unavailable. */
function findFinalizer({ key, context }: Pass, holder: PresentChoice): Implementation | undefined {
  const { settings, registry, breakers } = context;
  const suspensions = breakers.suspensions('Finalize', key);
  const found = findHolder(holder, settings, registry, suspensions);
  const isSuspended = found && suspensions?.fallback && suspensions.explain(found) !== undefined;
  return found && !isSuspended ? found : (findSubstitute(context, holder, suspensions) ?? found);
}

/** Returns another plugin that may clean up for one that is unavailable, if the delegation allows that. */
function findSubstitute(
  { settings, registry }: PassContext,
  holder: PresentChoice,
  suspensions: Suspensions | undefined,
): Implementation | undefined {
  if (settings.finalize.whenPluginGone !== 'fallback') return undefined;
  const rules = { ...settings.rules, mode: 'one', fallback: 'any' } as const;
  const request = { preference: undefined, present: [holder], suspensions };
  return select(registry.implementations(settings.api), rules, request).chosen[0];
}

async function handleMissingPlugin(
  { context: { settings, events }, base, key, reporter }: Pass,
  holder: PresentChoice,
): Promise<PassResult | 'finalized'> {
  const missing = `${formatPlugin(holder)}, which must finalize the resource, is unavailable`;
  const failure = { reason: 'PluginGone', terminal: false, retryAfter: undefined };
  switch (settings.finalize.whenPluginGone) {
    case 'wait':
      return reporter.finalizing({ ...failure, message: `${missing}; waiting for it` }, { next: 'waiting' });
    case 'fallback': {
      const message = `${missing}; waiting for it or another plugin`;
      return reporter.finalizing({ ...failure, message }, { next: 'waiting' });
    }
    case 'release': {
      const { releaseAfter } = settings.finalize;
      const remaining = Date.parse(base.metadata.deletionTimestamp ?? '') + releaseAfter - Date.now();
      if (remaining > 0) {
        const message = `${missing}; the resource is released ${releaseAfter / 1000} s after its deletion`;
        return reporter.finalizing({ ...failure, message }, { next: 'settled', after: remaining });
      }
      const message = `${missing}; the resource was released, and what the plugin created may remain`;
      events.record(key, { type: 'Warning', reason: 'Released', message });
      return 'finalized';
    }
  }
}
