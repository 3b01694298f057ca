import { FinalizeCause, Outcome } from '@kplug/protocol';
import { differences } from '../differences.ts';
import { NotMet, NotTried, type Requirement, unobservable } from '../requirement.ts';
import { dependentsOf, describeAnswer, stateOf } from './describe-answer.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
import { named } from './sample.ts';

/** Requirements on Reconcile and Finalize. */
export const reconcileRequirements: readonly Requirement<PluginUnderTest>[] = [
  {
    number: 'P16',
    level: 'MUST',
    title: 'reconciles the given resource',
    check: async (plugin) => {
      if (!plugin.sample.isGiven) throw new NotTried('no resource was given with --resource');
      const answer = await plugin.retrying(() => plugin.reconcile()).catch(describeError);
      if (typeof answer === 'string') throw new NotMet(answer, 'SUCCESS');
      if (answer.outcome === Outcome.SUCCESS) return undefined;
      throw new NotMet(describeAnswer(answer), 'SUCCESS');
    },
  },
  {
    number: 'P16',
    level: 'MUST',
    title: 'gives the same result when called again',
    check: async (plugin) => {
      await plugin.reconciled();
      for (const time of ['second', 'third']) {
        const again = await plugin.retrying(() => plugin.reconcile()).catch(describeError);
        if (typeof again !== 'string' && again.outcome === Outcome.SUCCESS) continue;
        throw new NotMet(`the ${time} call: ${describeAnswer(again)}`, 'SUCCESS, as for the first call');
      }
      return undefined;
    },
  },
  {
    number: 'P24',
    level: 'SHOULD',
    title: 'returns the same status for the same state',
    check: async (plugin) => {
      await plugin.reconciled();
      const before = await plugin.reconcile();
      const after = await plugin.reconcile();
      if (before.outcome !== after.outcome) throw new NotTried('the outcome changed; see P16');
      const differing = differences(stateOf(before), stateOf(after), 3);
      if (differing.length > 0) throw new NotMet(differing.join('; '), 'no difference');
      return undefined;
    },
  },
  {
    number: 'P54',
    level: 'SHOULD',
    title: 'returns the same dependents for the same state, apart from those with CREATE_ONLY',
    check: async (plugin) => {
      await plugin.reconciled();
      const before = await plugin.reconcile();
      const after = await plugin.reconcile();
      if (before.outcome !== after.outcome) throw new NotTried('the outcome changed; see P16');
      const differing = differences(dependentsOf(before), dependentsOf(after), 3);
      if (differing.length > 0) throw new NotMet(differing.join('; '), 'no difference');
      return before.dependents ? undefined : 'it has no dependents';
    },
  },
  {
    number: 'P25',
    level: 'SHOULD',
    title: 'keeps working after a cancelled call',
    check: async (plugin) => {
      await plugin.reconciled();
      for (const after of [0, 5, 20]) {
        const cancelled = AbortSignal.timeout(after);
        // The call may be answered before it is cancelled.
        await plugin.reconcile(plugin.request(), cancelled).catch(describeError);
      }
      const answer = await plugin.retrying(() => plugin.reconcile()).catch(describeError);
      if (typeof answer !== 'string' && answer.outcome === Outcome.SUCCESS) return undefined;
      throw new NotMet(`the next call: ${describeAnswer(answer)}`, 'SUCCESS, as before');
    },
  },
  {
    number: 'P27',
    level: 'MUST',
    title: 'finalizes what it reconciled',
    check: async (plugin) => {
      await plugin.reconciled();
      await requireFinalized(plugin, plugin.request());
      return undefined;
    },
  },
  {
    number: 'P28',
    level: 'MUST',
    title: 'finalizes again what it already finalized',
    check: async (plugin) => {
      await plugin.reconciled();
      await requireFinalized(plugin, { ...plugin.request(), cause: FinalizeCause.DELETED });
      await requireFinalized(plugin, { ...plugin.request(), cause: FinalizeCause.HANDED_OVER });
      return undefined;
    },
  },
  {
    number: 'P27',
    level: 'MUST',
    title: 'finalizes a resource that it never received',
    check: async (plugin) => {
      if (!plugin.sample.isGiven) throw new NotTried('no resource was given with --resource');
      const { base } = plugin.sample;
      await requireFinalized(plugin, plugin.request(named(base, `${base.metadata.name}-never-seen`)));
      return undefined;
    },
  },
  {
    number: 'P17',
    level: 'MUST',
    title: 'relies on no order: reconciles a finalized resource, as a retry of a later generation',
    check: async (plugin) => {
      const before = await plugin.reconciled();
      const { base } = plugin.sample;
      const later = { ...base, metadata: { ...base.metadata, generation: base.metadata.generation + 7 } };
      const request = plugin.request(later);
      const call = () => plugin.reconcile({ ...request, context: { ...request.context, attempt: 5 } });
      const answer = await plugin.retrying(call).catch(describeError);
      await plugin.finalize();
      if (typeof answer !== 'string' && answer.outcome === before.outcome) return undefined;
      throw new NotMet(describeAnswer(answer), 'SUCCESS, as before');
    },
  },
  unobservable(
    'P20',
    'SHOULD',
    'answers TERMINAL only if a retry cannot help',
    'only the author of the plugin knows whether a retry can help',
  ),
];

async function requireFinalized(
  plugin: PluginUnderTest,
  request: Parameters<PluginUnderTest['finalize']>[0],
): Promise<void> {
  const answer = await plugin.retrying(() => plugin.finalize(request)).catch(describeError);
  if (typeof answer !== 'string' && answer.outcome === Outcome.SUCCESS) return;
  throw new NotMet(describeAnswer(answer), 'SUCCESS');
}

/** Describes a gRPC error; rethrows `NotTried`. */
function describeError(error: unknown): string {
  if (error instanceof NotTried) throw error;
  return describeAnswer(error);
}
