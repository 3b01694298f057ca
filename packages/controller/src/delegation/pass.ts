import type { PluginCall } from '../clients/plugin-call.ts';
import { KplugError } from '../errors.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { WriteResult } from '../resources/port.ts';
import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import { type Attempt, callFor, failureOf } from './attempt.ts';
import { type Choice, choose } from './choose.ts';
import type { ConditionContent } from './conditions.ts';
import type { DelegationSettings } from './declaration.ts';
import { keepWanted } from './dependents/keep.ts';
import { readWanted } from './dependents/wanted.ts';
import { finalizeDeleted } from './finalize.ts';
import { blockingProblem, type ExtensionProblem, type Gathered, gather } from './gather.ts';
import { handOver } from './hand-over.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { releaseBase } from './release.ts';
import { Reporter } from './report.ts';
import type { PluginStatement } from './status.ts';

/** What follows from a pass, what it chose, and at which revision of the registry. */
export interface ReconcilePassResult extends PassResult {
  chosen: readonly Implementation[];
  revision: number;
  /** Why nothing was chosen, as the status says it. */
  whyNone?: string;
}

/** One pass over one base resource: gather, select, call, report. */
export async function reconcilePass(
  context: PassContext,
  key: ResourceKey,
  attempt: number,
): Promise<ReconcilePassResult> {
  const base = context.resources.get(key);
  const { revision } = context.registry;
  if (!base) return { next: 'done', chosen: [], revision };
  if (!base.metadata.deletionTimestamp && context.isReleased(base)) {
    return { ...(await releaseBase(context, base)), chosen: [], revision };
  }
  const references = await context.extensions.follow(base);
  const gathered = gather(base, references, context.resources);
  if (base.metadata.deletionTimestamp) {
    return { ...(await finalizeDeleted(context, gathered, attempt)), chosen: [], revision };
  }
  for (;;) {
    const choice = choose(base, context.settings, context.registry);
    const result = await callChosen(context, gathered, choice, attempt);
    const { chosen } = choice.selection;
    const whyNone = chosen.length > 0 ? {} : { whyNone: choice.message };
    if (result) return { ...result, chosen, revision: choice.revision, ...whyNone };
    // The chosen plugin turned out to be unreachable, which the registry knows by now: choose again.
  }
}

async function callChosen(
  context: PassContext,
  gathered: Gathered,
  choice: Choice,
  attempt: number,
): Promise<PassResult | undefined> {
  const { base, problems } = gathered;
  const reporter = new Reporter(context, gathered);
  const general = [selectedCondition(choice), extensionsCondition(problems)];
  const { chosen } = choice.selection;
  if (chosen.length === 0) {
    return reporter.waiting(general, { reason: choice.reason, message: choice.message });
  }
  const ready = chosen.filter((implementation) => !blockingProblem(problems, implementation));
  const [first] = chosen;
  if (ready.length === 0 && first) {
    return reporter.waiting(general, blockingProblem(problems, first) ?? choice);
  }

  if ((await ensureFinalizer(context, base)) === 'gone') return { next: 'done' };
  const handedOver = await handOver(context, gathered, choice, attempt);
  if (handedOver) return reporter.failed(general, handedOver, undefined);

  const attempts = await Promise.all(
    ready.map((implementation) =>
      callOne(context, callFor(context, gathered, implementation, choice, attempt), implementation),
    ),
  );
  if (attempts.some(({ error }) => error?.code === 'PluginUnavailable')) return undefined;
  if (isStale(context, gathered, choice)) return { next: 'stale' };
  return conclude(context, gathered, general, attempts);
}

/** Sees to it that deleting a resource waits for its plugin, where there may be something to undo. */
async function ensureFinalizer({ settings, resources }: PassContext, base: Resource): Promise<WriteResult> {
  const { finalize, finalizer, fieldManager } = settings;
  if (!finalize.needed || base.metadata.finalizers?.includes(finalizer)) return 'unchanged';
  return resources.addFinalizer(keyOf(base), finalizer, { uid: base.metadata.uid, fieldManager });
}

async function callOne(context: PassContext, call: PluginCall, implementation: Implementation): Promise<Attempt> {
  try {
    const answer = await context.caller.reconcile(implementation, call, context.settings.deadline);
    // One that asks for what it may not have is refused whole, before anything is written.
    readWanted(answer.dependents ?? [], call.base, context.settings);
    return { implementation, answer, error: undefined };
  } catch (error) {
    if (!(error instanceof KplugError)) throw error;
    return { implementation, answer: undefined, error };
  }
}

async function conclude(
  context: PassContext,
  gathered: Gathered,
  general: readonly ConditionContent[],
  attempts: readonly Attempt[],
): Promise<PassResult> {
  const reporter = new Reporter(context, gathered);
  const statements = attempts.map((one) => statementOf(context.settings, one));
  const { kept, failure } = await keepWanted(context, gathered, attempts);
  await reporter.writeExtensions(attempts);
  reporter.recordEvents(attempts.flatMap(({ answer }) => answer?.events ?? []));
  const failed = attempts.find(({ answer }) => answer?.outcome !== 'success');
  if (failed) return reporter.failed(general, failureOf(failed), statements, kept);
  if (failure) return reporter.failed(general, failure, statements, kept);
  return reporter.succeeded(general, attempts, statements, kept);
}

function statementOf({ api }: DelegationSettings, { implementation, answer }: Attempt): PluginStatement {
  const { plugin, version } = implementation;
  return {
    plugin: { plugin, version, api, apiVersion: implementation.api.version.version },
    status: answer?.baseStatus,
    conditions: answer?.conditions,
  };
}

/** Whether the resource, its extensions or the choice changed while the plugin was at work. */
function isStale(
  { resources, settings, registry }: PassContext,
  gathered: Gathered,
  { selection, revision }: Choice,
): boolean {
  const { base, extensions } = gathered;
  const current = resources.get(keyOf(base));
  if (!current || !isSameState(current, base)) return true;
  for (const [key, extension] of extensions) {
    const now = resources.get(key);
    if (!now || !isSameState(now, extension)) return true;
  }
  if (registry.revision === revision) return false;
  const { chosen } = choose(current, settings, registry).selection;
  // What a plugin finished while it was stopping counts as long as no other one has taken over.
  return chosen.length > 0 && !isSameChoice(chosen, selection.chosen);
}

function isSameState(a: Resource, b: Resource): boolean {
  return (
    a.metadata.uid === b.metadata.uid &&
    a.metadata.generation === b.metadata.generation &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp
  );
}

/** Whether two choices are of the same plugins in the same versions. */
export function isSameChoice(a: readonly Implementation[], b: readonly Implementation[]): boolean {
  return a.length === b.length && a.every((one, index) => isSame(one, b[index]));
}

function isSame(a: Implementation, b: Implementation | undefined): boolean {
  return a.plugin === b?.plugin && a.version === b.version;
}

function selectedCondition({ selection, reason, message }: Choice): ConditionContent {
  return { type: 'PluginSelected', status: selection.chosen.length > 0 ? 'True' : 'False', reason, message };
}

function extensionsCondition(problems: readonly ExtensionProblem[]): ConditionContent {
  const [first] = problems;
  if (!first) {
    const message = 'every extension that the resource points to is there';
    return { type: 'ExtensionsResolved', status: 'True', reason: 'Resolved', message };
  }
  const message = problems.map((problem) => problem.message).join('; ');
  return { type: 'ExtensionsResolved', status: 'False', reason: first.reason, message };
}
