import type { FinalizeCause } from '../clients/plugin-call.ts';
import { KplugError } from '../errors.ts';
import type { Implementation } from '../registry/implementation.ts';
import { keyOf } from '../resources/resource.ts';
import type { PresentChoice } from '../selection/candidate.ts';
import { select } from '../selection/select.ts';
import { callFor, type Failure, failureOf } from './attempt.ts';
import { findHolder } from './choose.ts';
import type { Gathered } from './gather.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { Reporter } from './report.ts';
import { holdersOf } from './status.ts';

/** Has what was made for a resource that is being deleted undone, and lets the resource go. */
export async function finalizeDeleted(context: PassContext, gathered: Gathered, attempt: number): Promise<PassResult> {
  const { settings, resources } = context;
  const { base } = gathered;
  if (!base.metadata.finalizers?.includes(settings.finalizer)) return { next: 'done' };
  const reporter = new Reporter(context, gathered);
  // One that has a finalizer all the same got it before the delegation said that none is needed.
  for (const holder of settings.finalize.needed ? holdersOf(base) : []) {
    const stopped = await undo(context, gathered, holder, attempt, reporter);
    if (stopped) return stopped;
  }
  const options = { uid: base.metadata.uid, fieldManager: settings.fieldManager };
  await resources.removeFinalizer(keyOf(base), settings.finalizer, options);
  return { next: 'done' };
}

/** Asks one plugin to undo what it made. Returns why it can't go on, or nothing when it can. */
async function undo(
  context: PassContext,
  gathered: Gathered,
  holder: PresentChoice,
  attempt: number,
  reporter: Reporter,
): Promise<PassResult | undefined> {
  for (;;) {
    const implementation = findHolder(holder, context.settings, context.registry) ?? standIn(context, holder);
    if (!implementation) return whenGone(context, gathered, holder, reporter);
    const ended = await askToFinalize(context, gathered, implementation, 'deleted', attempt);
    if (ended === 'unreachable') continue;
    return ended.failure && reporter.finalizing(ended.failure);
  }
}

/** What came of asking a plugin to finalize; `failure` is missing when it succeeded. */
export interface Finalization {
  failure: Failure | undefined;
}

/** Calls a plugin's Finalize and records the events that it asks for. `unreachable`: none of its instances answers, which the registry knows by now. */
export async function askToFinalize(
  context: PassContext,
  gathered: Gathered,
  implementation: Implementation,
  cause: FinalizeCause,
  attempt: number,
): Promise<Finalization | 'unreachable'> {
  const message = cause === 'deleted' ? 'the resource is being deleted' : 'the resource goes to another plugin';
  const reason = cause === 'deleted' ? 'Deleted' : 'HandedOver';
  const call = callFor(context, gathered, implementation, { reason, message }, attempt);
  try {
    const answer = await context.caller.finalize(implementation, call, cause, context.settings.deadline);
    const failure = answer.outcome === 'success' ? undefined : failureOf({ implementation, answer, error: undefined });
    new Reporter(context, gathered).recordEvents(answer.events);
    return { failure };
  } catch (error) {
    if (!(error instanceof KplugError)) throw error;
    if (error.code === 'PluginUnavailable') return 'unreachable';
    return { failure: failureOf({ implementation, answer: undefined, error }) };
  }
}

/** Another plugin that may undo the work of one that is gone, where the delegation lets it. */
function standIn({ settings, registry }: PassContext, holder: PresentChoice): Implementation | undefined {
  if (settings.finalize.whenPluginGone !== 'fallback') return undefined;
  const rules = { ...settings.rules, mode: 'one', fallback: 'any' } as const;
  const request = { preference: undefined, present: [holder] };
  return select(registry.implementations(settings.api), rules, request).chosen[0];
}

async function whenGone(
  { settings, events }: PassContext,
  { base }: Gathered,
  { plugin, version }: PresentChoice,
  reporter: Reporter,
): Promise<PassResult | undefined> {
  const gone = `${plugin} ${version}, which has to undo its work, isn't there`;
  const failure = { reason: 'PluginGone', terminal: false, retryAfter: undefined };
  const waiting: PassResult = { next: 'waiting' };
  switch (settings.finalize.whenPluginGone) {
    case 'wait':
      return reporter.finalizing({ ...failure, message: `${gone}; awaiting it` }, waiting);
    case 'fallback':
      return reporter.finalizing({ ...failure, message: `${gone}; awaiting it or another plugin` }, waiting);
    case 'release': {
      const { releaseAfter } = settings.finalize;
      const left = Date.parse(base.metadata.deletionTimestamp ?? '') + releaseAfter - Date.now();
      if (left > 0) {
        const message = `${gone}; the resource is released ${releaseAfter / 1000} s after its deletion`;
        return reporter.finalizing({ ...failure, message }, { next: 'settled', after: left });
      }
      const message = `${gone}; the resource was released without it, and what it made may be left`;
      events.record(keyOf(base), { type: 'Warning', reason: 'Released', message });
      return undefined;
    }
  }
}
