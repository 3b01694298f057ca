import { KplugError } from '../errors.ts';
import { isSameVersionedName, type VersionedName } from '../names.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { WriteResult } from '../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import { type Attempt, failureOf } from './attempt.ts';
import { callAll } from './call.ts';
import { type Choice, choose } from './choose.ts';
import { applyDependents } from './dependents/apply-dependents.ts';
import { finalizeDeleted } from './finalize.ts';
import { blockingProblem, gather } from './gather.ts';
import { handOver } from './hand-over.ts';
import { Pass, type PassState } from './pass.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { releaseBase } from './release.ts';

/** Outcome of a pass, and the choice that it made. */
export interface PassOutcome {
  result: PassResult;
  chosen: readonly Implementation[];
  /** Revision of the registry at the choice. */
  revision: number;
  /** Message of the status while no plugin is chosen. */
  waitingMessage?: string;
  /** Error that ended the pass, usually a failed write. */
  error?: unknown;
}

/** Runs one pass over one base resource: gather, select, call, apply, report. An error is part of the outcome. */
export async function runPass(context: PassContext, key: ResourceKey, state: PassState): Promise<PassOutcome> {
  const { resources, registry, extensions } = context;
  const { revision } = registry;
  const base = resources.get(key);
  if (!base) return { result: { next: 'done' }, chosen: [], revision };
  try {
    const isDeleted = base.metadata.deletionTimestamp !== undefined;
    if (!isDeleted && context.isReleased(base)) {
      return { result: await releaseBase(context, base), chosen: [], revision };
    }
    const gathered = gather(base, await extensions.follow(base), resources);
    const pass = new Pass(context, gathered, state);
    if (isDeleted) return { result: await finalizeDeleted(pass), chosen: [], revision };
    return await reconcileWithPlugins(pass);
  } catch (error) {
    // The retry is due with back-off, so the present choice counts as made.
    const { chosen } = choose(base, context.settings, registry).selection;
    return { result: { next: 'retry' }, chosen, revision: registry.revision, error };
  }
}

/** Chooses plugins and hands the resource to them, until they are reachable. */
async function reconcileWithPlugins(pass: Pass): Promise<PassOutcome> {
  const { settings, registry } = pass.context;
  for (;;) {
    const choice = choose(pass.base, settings, registry);
    const { chosen } = choice.selection;
    const { revision } = choice;
    let result: PassResult | 'unreachable';
    try {
      result = await reconcile(pass, choice);
    } catch (error) {
      if (isRefusedContent(error)) await pass.reporter.refused(choice, error);
      return { result: { next: 'retry' }, chosen, revision, error };
    }
    // The registry has marked the plugin unreachable: choose again.
    if (result === 'unreachable') continue;
    const waiting = chosen.length > 0 ? {} : { waitingMessage: choice.message };
    return { result, chosen, revision, ...waiting };
  }
}

/** Reports whether the resources refused what a plugin returned. */
function isRefusedContent(error: unknown): error is KplugError {
  return error instanceof KplugError && error.code === 'InvalidResponse';
}

/** Reports whether two choices are of the same plugins in the same versions. */
export function isSameChoice(a: readonly VersionedName[], b: readonly VersionedName[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, index) => {
      const other = b[index];
      return other !== undefined && isSameVersionedName(one, other);
    })
  );
}

/** Hands the resource to the chosen plugins. `unreachable`: one of them has no reachable instance. */
async function reconcile(pass: Pass, choice: Choice): Promise<PassResult | 'unreachable'> {
  const { reporter, gathered } = pass;
  const { chosen } = choice.selection;
  const [first] = chosen;
  if (!first) return reporter.waiting(choice, choice);
  const ready = chosen.filter((implementation) => !blockingProblem(gathered.problems, implementation));
  if (ready.length === 0) return reporter.waiting(choice, blockingProblem(gathered.problems, first) ?? choice);

  if ((await ensureFinalizer(pass)) === 'gone') return { next: 'done' };
  const kept = pass.kept.find(gathered, ready, pass.context.settings.resync);
  if (!kept) {
    const handOverFailure = await handOver(pass, choice);
    if (handOverFailure) return reporter.failed(choice, handOverFailure);
  }

  const attempts = kept ?? (await callAll(pass, ready, choice));
  pass.context.holders.add(
    pass.base,
    attempts.filter(wasCalled).map(({ implementation }) => implementation),
  );
  if (attempts.some(({ error }) => error?.code === 'PluginUnavailable')) return 'unreachable';
  if (isStale(pass, choice)) return { next: 'stale' };

  const failures = attempts.filter(({ answer }) => answer?.outcome !== 'success');
  // One plugin's terminal failure doesn't end the retries of another one's.
  const failed = failures.find(({ answer }) => answer?.outcome !== 'terminal') ?? failures[0];
  if (!failed) pass.kept.keep(gathered, attempts);
  const { dependents, failure: applyFailure } = await applyDependents(pass, attempts);
  await reporter.writeExtensions(attempts);
  const applied = { attempts, dependents };
  if (failed) {
    reporter.recordAnswers(attempts);
    return reporter.failed(choice, failureOf(failed), applied);
  }
  return applyFailure ? reporter.failed(choice, applyFailure, applied) : reporter.succeeded(choice, applied);
}

/** Reports whether a plugin may have done its work: there is an answer, or an error other than that none of its instances is reachable. */
function wasCalled({ error }: Attempt): boolean {
  return error?.code !== 'PluginUnavailable';
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

/** Reports whether the resource, its extensions or the choice changed during the calls. */
function isStale({ context: { resources, settings, registry }, gathered }: Pass, choice: Choice): boolean {
  const { base, extensions } = gathered;
  const current = resources.get(keyOf(base));
  if (!current || !isSameState(current, base)) return true;
  for (const [key, extension] of extensions) {
    const now = resources.get(key);
    if (!now || !isSameState(now, extension)) return true;
  }
  if (registry.revision === choice.revision) return false;
  const { chosen } = choose(current, settings, registry).selection;
  // An answer of a plugin that is stopping counts as long as no other plugin is chosen.
  return chosen.length > 0 && !isSameChoice(chosen, choice.selection.chosen);
}

function isSameState({ metadata: a }: Resource, { metadata: b }: Resource): boolean {
  return a.uid === b.uid && a.generation === b.generation && a.deletionTimestamp === b.deletionTimestamp;
}
