import { KplugError } from '../../errors.ts';
import { formatPlugin } from '../../names.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { WriteResult } from '../../resources/port.ts';
import { describeKey, keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { PassSteps } from '../../telemetry/pass-steps.ts';
import { findSuspension, holdDiverted } from '../breakers/suspension.ts';
import { type Attempt, failureOf, findFailed, findProgress } from '../calls/attempt.ts';
import { callAll } from '../calls/call.ts';
import type { Validity } from '../calls/held-answers.ts';
import { TriedPlugins, unreachable } from '../calls/tried-plugins.ts';
import { type Choice, isSameChoice } from '../choices/choose.ts';
import { isPaused } from '../control-annotations.ts';
import { applyDependents } from '../dependents/apply-dependents.ts';
import { blockingProblem, type Gathered, gather, unblocked } from '../extensions/gather.ts';
import { finalizeDeleted } from './finalize.ts';
import { handOver } from './hand-over.ts';
import { findHeld, holdAnswers } from './hold-answer.ts';
import { ObservedWrites } from './observed-writes.ts';
import { Pass, type PassState } from './pass.ts';
import type { PassContext, PassOutcome, PassResult } from './pass-context.ts';
import { releaseBase } from './release-base.ts';
import { reportPaused } from './report-paused.ts';

/** Runs one pass over one base resource: gather, select, call, apply, report. An error is part of the outcome. */
export async function runPass(shared: PassContext, key: ResourceKey, state: PassState): Promise<PassOutcome> {
  const { steps } = state;
  const context = steps.isObserved ? { ...shared, resources: new ObservedWrites(shared.resources, steps) } : shared;
  const { resources, registry } = context;
  const { revision } = registry;
  const base = resources.get(key);
  if (!base) return { result: { next: 'done' }, chosen: [], revision };
  try {
    const isDeleted = base.metadata.deletionTimestamp !== undefined;
    if (!isDeleted && context.isReleased(base)) {
      return { result: await releaseBase(context, base), chosen: [], revision };
    }
    if (isPaused(base)) return { result: await reportPaused(context, base), chosen: [], revision };
    const gathered = await gatherExtensions(context, base, steps);
    const pass = new Pass(context, gathered, state);
    if (isDeleted) return { result: await finalize(pass), chosen: [], revision };
    return await reconcileWithPlugins(pass);
  } catch (error) {
    // The retry is due with back-off, so the present choice counts as made.
    const { chosen } = context.choose(base).selection;
    return { result: { next: 'retry' }, chosen, revision: registry.revision, error };
  }
}

function gatherExtensions({ extensions, resources }: PassContext, base: Resource, steps: PassSteps): Promise<Gathered> {
  return steps.run({ kind: 'gather' }, async (step) => {
    const gathered = gather(base, await extensions.follow(base), resources);
    step.ended(() => [...gathered.extensions.keys()].map(describeKey).join(', '));
    return gathered;
  });
}

function chooseFor({ context, base, steps }: Pass): Choice {
  return steps.run({ kind: 'select' }, (step) => {
    const choice = context.choose(base);
    step.ended(() => choice.selection.chosen.map(formatPlugin).join(', '));
    return choice;
  });
}

/** Finalizes a deleted resource. A write that failed is reported in the status, if that can be written. */
async function finalize(pass: Pass): Promise<PassResult> {
  try {
    return await finalizeDeleted(pass);
  } catch (error) {
    if (isReportable(error, pass)) await pass.reporter.refused(error);
    throw error;
  }
}

/** Chooses plugins and hands the resource to them, until they are reachable. */
async function reconcileWithPlugins(pass: Pass): Promise<PassOutcome> {
  const tried = new TriedPlugins();
  for (;;) {
    const choice = chooseFor(pass);
    const { chosen } = choice.selection;
    const { revision } = choice;
    let result: PassResult | 'unreachable';
    try {
      const mayCall = chosen.length === 0 || tried.add(chosen);
      result = mayCall ? await reconcile(pass, choice) : await pass.reporter.failed(choice, unreachable(chosen));
    } catch (error) {
      if (isReportable(error, pass)) await pass.reporter.refused(error, choice);
      return { result: { next: 'retry' }, chosen, revision, error };
    }
    // The registry has marked the plugin unreachable: choose again.
    if (result === 'unreachable') continue;
    const waiting = chosen.length > 0 ? {} : { waitingMessage: choice.message };
    return { result, chosen, revision, ...waiting };
  }
}

/**
 * Reports whether a failed write can be reported in the base's status. If that status is what can't be written, another one can only be
 * if the content was refused.
 */
function isReportable(error: unknown, { reporter }: Pass): error is KplugError {
  if (!(error instanceof KplugError)) return false;
  if (error.code === 'InvalidResponse') return true;
  return (error.code === 'StorageFailed' || error.code === 'Conflict') && !reporter.hasFailed;
}

/** Hands the resource to the chosen plugins. `unreachable`: one of them has no reachable instance. */
async function reconcile(pass: Pass, choice: Choice): Promise<PassResult | 'unreachable'> {
  const { reporter, gathered } = pass;
  const { chosen } = choice.selection;
  holdDiverted(pass, choice);
  const [first] = chosen;
  if (!first) return reporter.waiting(choice, choice);
  const ready = unblocked(chosen, gathered.problems);
  if (ready.length === 0) return reporter.waiting(choice, blockingProblem(gathered.problems, first) ?? choice);
  const kept = pass.kept.find(gathered, ready, pass.context.settings.resync);
  const validity = kept ? undefined : findHeld(pass, ready, choice);
  pass.held.end();
  if (validity) return reconcileHeld(pass, choice, ready, validity);
  const suspension = kept ? undefined : findSuspension(pass, ready);
  if (suspension) return reporter.waiting(choice, suspension);

  pass.context.onChosen(pass.base, chosen);
  if ((await ensureFinalizer(pass)) === 'gone') return { next: 'done' };
  const handOverFailure = kept ? undefined : await handOver(pass, choice);
  if (handOverFailure?.isProgress) return reporter.progressing(choice, handOverFailure);
  if (handOverFailure) return reporter.failed(choice, handOverFailure);
  return useAnswers(pass, choice, kept ?? (await callAll(pass, ready, choice)));
}

/** Applies and reports the answers of the called plugins. `unreachable`: one of them has no reachable instance. */
async function useAnswers(
  pass: Pass,
  choice: Choice,
  attempts: readonly Attempt[],
): Promise<PassResult | 'unreachable'> {
  const { reporter } = pass;
  pass.context.holders.add(
    pass.base,
    attempts.filter(wasCalled).map(({ implementation }) => implementation),
  );
  pass.context.operations.answered(pass.base, attempts, false);
  if (attempts.some(({ error }) => error?.code === 'PluginUnavailable')) return 'unreachable';
  if (isStale(pass, choice)) {
    // The answers are discarded, but what they began goes on.
    if (findProgress(attempts)) await reporter.recordOperations();
    return { next: 'stale' };
  }

  const failed = findFailed(attempts);
  if (!failed) pass.kept.keep(pass.gathered, attempts);
  const { failure: applyFailure, ...dependents } = await applyDependents(pass, attempts);
  await reporter.writeExtensions(attempts);
  const applied = { attempts, ...dependents };
  if (failed) {
    const result = await reporter.failed(choice, failureOf(failed), applied);
    reporter.recordAnswers(attempts);
    return result;
  }
  if (applyFailure) return reporter.failed(choice, applyFailure, applied);
  const progress = findProgress(attempts);
  const result = progress
    ? await reporter.progressing(choice, progress, applied)
    : await reporter.succeeded(choice, applied);
  if (applied.needsCall) return { next: 'again' };
  if (!progress && !applied.unready) holdAnswers(pass, attempts, result);
  return result;
}

/** Reconciles a resource for which the last answers hold: no plugin is called. */
async function reconcileHeld(
  pass: Pass,
  choice: Choice,
  ready: readonly Implementation[],
  validity: Validity,
): Promise<PassResult> {
  pass.context.onChosen(pass.base, choice.selection.chosen);
  if ((await ensureFinalizer(pass)) === 'gone') return { next: 'done' };
  const result = await pass.reporter.held(choice, ready, validity);
  pass.held.hold(validity);
  return result;
}

/** Reports whether a plugin may have done its work: it was called, or may have been. */
function wasCalled({ error }: Attempt): boolean {
  return error?.code !== 'PluginUnavailable' && error?.code !== 'PluginSuspended';
}

/** Adds the finalizer, so that the plugin can clean up before the resource is deleted. */
async function ensureFinalizer(pass: Pass): Promise<WriteResult> {
  const { settings, resources } = pass.context;
  const { base, key } = pass;
  const { finalize, finalizer, fieldManager } = settings;
  if (!finalize.needed) return 'unchanged';
  // A finalizer whose write failed may be known here but not stored.
  if (base.metadata.finalizers?.includes(finalizer) && !pass.hasFailedWrite) return 'unchanged';
  return resources.addFinalizer(key, finalizer, { uid: base.metadata.uid, fieldManager });
}

/** Reports whether the resource, its extensions or the choice changed during the calls, or the resource was paused. */
function isStale({ context: { resources, registry, choose }, gathered }: Pass, choice: Choice): boolean {
  const { base, extensions } = gathered;
  const current = resources.get(keyOf(base));
  if (!current || isPaused(current) || !isSameState(current, base)) return true;
  for (const [key, extension] of extensions) {
    const now = resources.get(key);
    if (!now || !isSameState(now, extension)) return true;
  }
  if (registry.revision === choice.revision) return false;
  const { chosen } = choose(current).selection;
  // An answer of a plugin that is stopping counts as long as no other plugin is chosen.
  return chosen.length > 0 && !isSameChoice(chosen, choice.selection.chosen);
}

function isSameState({ metadata: a }: Resource, { metadata: b }: Resource): boolean {
  return a.uid === b.uid && a.generation === b.generation && a.deletionTimestamp === b.deletionTimestamp;
}
