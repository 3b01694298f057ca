import type { FinalizeCause } from '../../clients/plugin-call.ts';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { formatPlugin } from '../../names.ts';
import type { Implementation } from '../../registry/implementation.ts';
import { type Suspensions, select } from '../../selection/select.ts';
import { type Failure, failureOf } from '../calls/attempt.ts';
import { makeCall } from '../calls/call.ts';
import { callInRounds } from '../calls/call-in-rounds.ts';
import { TriedPlugins, unreachable } from '../calls/tried-plugins.ts';
import { deleteDependents } from '../dependents/delete-dependents.ts';
import { findHolder, type Holder, registeredOf } from '../holders/holder.ts';
import type { Pass } from './pass.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { isFinalized } from './status.ts';

/** Interval of checks for a holder whose API is not the delegation's, as its changes don't concern the delegation, in milliseconds. */
const { holderCheckInterval } = limits.delegation;

/** Reason why a holder hasn't finalized a resource, and the result of a pass that ends with it. */
interface Obstacle {
  failure: Failure;
  /** Default: as the failure says. */
  result?: PassResult;
}

/**
 * Finalizes a resource that is being deleted: asks the plugins that reconciled it to clean up, deletes its dependents, and removes the
 * finalizer.
 */
export async function finalizeDeleted(pass: Pass): Promise<PassResult> {
  const { base, key, reporter } = pass;
  const { settings, resources } = pass.context;
  if (!base.metadata.finalizers?.includes(settings.finalizer)) return { next: 'done' };
  const isFinalizedLast = settings.dependents.finalize === 'last';
  const before = isFinalizedLast && (await deleteDependents(pass));
  if (before) return reporter.deletingDependents(before, false);
  const unfinished = await finalizeWithHolders(pass);
  if (unfinished) return unfinished;
  const after = !isFinalizedLast && (await deleteDependents(pass));
  if (after) return reporter.deletingDependents(after, true);
  const options = { uid: base.metadata.uid, fieldManager: settings.fieldManager };
  await resources.removeFinalizer(key, settings.finalizer, options);
  return { next: 'done' };
}

/** Has all plugins that hold a resource clean up. Returns the result of the pass if one of them hasn't. */
async function finalizeWithHolders(pass: Pass): Promise<PassResult | undefined> {
  const { base, reporter } = pass;
  const { settings, holders: all } = pass.context;
  // The finalizer may have been added before the delegation was changed to need none.
  const holders = settings.finalize.needed && !isFinalized(base) ? all.holdersOf(base) : [];
  const calls: FinalizeCalls = new Map();
  const outcomes: (Obstacle | undefined)[] = [];
  if (settings.rules.mode === 'all') {
    outcomes.push(...(await Promise.all(holders.map((holder) => finalizeWith(pass, holder, calls)))));
  } else {
    // Two plugins must not work on one resource concurrently.
    for (const holder of holders) outcomes.push(await finalizeWith(pass, holder, calls));
  }
  const obstacles = outcomes.filter((obstacle) => obstacle !== undefined);
  const finalized = holders.filter((_, index) => outcomes[index] === undefined);
  for (const holder of finalized) all.remove(base, holder);
  // A failed plugin is retried sooner than an unavailable one is expected.
  const first =
    obstacles.find(({ result, failure }) => result === undefined && !failure.isProgress) ??
    obstacles.find(({ result }) => result === undefined) ??
    obstacles[0];
  if (!first) return undefined;
  const message = obstacles.map(({ failure }) => failure.message).join('; ');
  const result = await reporter.finalizing({ ...first.failure, message }, first.result, finalized);
  // A plugin may have registered while that was written.
  const missing = holders.filter((_, index) => outcomes[index]?.result !== undefined);
  return missing.some((holder) => findFinalizer(pass, holder)) ? { next: 'stale' } : result;
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
  const { caller, operations } = pass.context;
  try {
    const { answer } = await callInRounds(pass, {
      implementation,
      isFinalizing: true,
      make: (required) => makeCall(pass, implementation, assignments[cause], required, true),
      send: (call) => caller.finalize(implementation, call, cause, pass.steps),
    });
    operations.answered(pass.base, [{ implementation, answer }], true);
    pass.reporter.recordEvents(answer.events);
    if (answer.outcome === 'success') return { outcome: 'finalized' };
    return { outcome: 'failed', failure: failureOf({ implementation, answer }) };
  } catch (error) {
    if (!(error instanceof KplugError) || error.code === 'Stopped') throw error;
    if (error.code === 'PluginUnavailable') return { outcome: 'unreachable' };
    caller.refused(implementation, error);
    return { outcome: 'failed', failure: failureOf({ implementation, error }) };
  }
}

const assignments = {
  deleted: { reason: 'Deleted', message: 'the resource is being deleted' },
  handedOver: { reason: 'HandedOver', message: 'the resource is handed over to another plugin' },
} as const;

/** Calls of Finalize for one resource that are in progress or were successful, by the plugin that is called. */
type FinalizeCalls = Map<string, Promise<Finalization>>;

/**
 * Has one plugin clean up. Returns the obstacle if that failed or has to wait. A plugin that also substitutes for another holder is
 * called once for both.
 */
async function finalizeWith(pass: Pass, holder: Holder, calls: FinalizeCalls): Promise<Obstacle | undefined> {
  const tried = new TriedPlugins();
  for (;;) {
    if (pass.kept.isFinalized(pass.base, holder)) return undefined;
    const implementation = findFinalizer(pass, holder);
    if (!implementation) return handleMissingPlugin(pass, holder);
    if (!tried.add([implementation])) return { failure: unreachable([implementation]) };
    const { key } = implementation.plugin;
    const call = calls.get(key) ?? callFinalize(pass, implementation, 'deleted');
    calls.set(key, call);
    const finalization = await call;
    if (finalization.outcome !== 'finalized') calls.delete(key);
    if (finalization.outcome === 'finalized') {
      pass.kept.keepFinalized(pass.base, holder);
      return undefined;
    }
    if (finalization.outcome === 'failed') return { failure: finalization.failure };
  }
}

/** Returns the plugin that has to clean up, or another one that may while that is unavailable. */
function findFinalizer({ key, base, context }: Pass, holder: Holder): Implementation | undefined {
  const { settings, registry, breakers, attachments } = context;
  const suspensions = breakers.suspensions('Finalize', key);
  const attachment = attachments?.of(settings.name, base)?.key;
  const found = findHolder(holder, settings, registry, { suspensions, attachment });
  const isSuspended = found && suspensions?.fallback && suspensions.explain(found) !== undefined;
  return found && !isSuspended ? found : (findSubstitute(context, holder, suspensions) ?? found);
}

/** Returns another plugin that may clean up for one that is unavailable, if the delegation allows that. */
function findSubstitute(
  { settings, registry }: PassContext,
  holder: Holder,
  suspensions: Suspensions | undefined,
): Implementation | undefined {
  if (settings.finalize.whenPluginGone !== 'fallback') return undefined;
  const rules = { ...settings.rules, mode: 'one', fallback: 'any' } as const;
  const request = { preference: undefined, present: [holder], suspensions };
  return select(registry.implementations(settings.api), rules, request).chosen[0];
}

function handleMissingPlugin({ context, base, key }: Pass, holder: Holder): Obstacle | undefined {
  const { settings, events } = context;
  const missing = `${formatPlugin(holder)}, which must finalize the resource, ${describeAbsence(context, holder)}`;
  const failure = { reason: 'PluginGone', terminal: false, retryAfter: undefined };
  const isOfOtherApi = holder.api !== undefined && holder.api !== settings.api;
  const waiting: PassResult = { next: 'waiting', ...(isOfOtherApi && { after: holderCheckInterval }) };
  switch (settings.finalize.whenPluginGone) {
    case 'wait':
      return { failure: { ...failure, message: `${missing}; waiting for it` }, result: waiting };
    case 'fallback':
      return { failure: { ...failure, message: `${missing}; waiting for it or another plugin` }, result: waiting };
    case 'release': {
      const { releaseAfter } = settings.finalize;
      const remaining = Date.parse(base.metadata.deletionTimestamp ?? '') + releaseAfter - Date.now();
      if (remaining > 0) {
        const message = `${missing}; the resource is released ${releaseAfter / 1000} s after its deletion`;
        const after = isOfOtherApi ? Math.min(remaining, holderCheckInterval) : remaining;
        return { failure: { ...failure, message }, result: { next: 'settled', after } };
      }
      const message = `${missing}; the resource was released, and what the plugin created may remain`;
      events.record(key, { type: 'Warning', reason: 'Released', message });
      return undefined;
    }
  }
}

/** Describes why a plugin can't finalize a resource: it is unavailable, and other registered versions can't take its place. */
function describeAbsence({ settings, registry }: PassContext, holder: Holder): string {
  const others = registeredOf(holder, settings, registry).filter(({ version }) => version !== holder.version);
  if (others.length === 0) return 'is unavailable';
  const versions = others.map(({ version, api }) => `${version} (API ${api.name} ${api.version.version})`);
  return `is unavailable, and version ${[...new Set(versions)].join(', ')} can't take its place`;
}
