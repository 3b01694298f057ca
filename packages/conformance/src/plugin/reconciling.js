import { FinalizeCause, Outcome } from '@kplug/protocol';
import { differences } from '../differences.js';
import { NotMet, NotTried, unseen } from '../requirement.js';
import { describeAnswer, stateOf } from './describe-answer.js';
import { named } from './sample.js';
/** What is required of Reconcile and Finalize, tried by calling them. */
export const reconciling = [
  {
    number: 'P16',
    level: 'MUST',
    title: 'reconciles the resource that is given',
    check: async (plugin) => {
      if (!plugin.sample.isGiven) throw new NotTried('no resource was given, with --resource');
      const answer = await plugin.retrying(() => plugin.reconcile()).catch(passNotTried);
      if (typeof answer === 'string') throw new NotMet(answer, 'SUCCESS');
      if (answer.outcome === Outcome.SUCCESS) return undefined;
      throw new NotMet(describeAnswer(answer), 'SUCCESS');
    },
  },
  {
    number: 'P16',
    level: 'MUST',
    title: 'comes to the same result when called again',
    check: async (plugin) => {
      await plugin.reconciled();
      for (const time of ['second', 'third']) {
        const again = await plugin.retrying(() => plugin.reconcile()).catch(passNotTried);
        if (typeof again !== 'string' && again.outcome === Outcome.SUCCESS) continue;
        throw new NotMet(`the ${time} time ${describeAnswer(again)}`, 'SUCCESS, as the first time');
      }
      return undefined;
    },
  },
  {
    number: 'P24',
    level: 'SHOULD',
    title: 'gives the same status for the same state',
    check: async (plugin) => {
      await plugin.reconciled();
      const before = await plugin.reconcile();
      const after = await plugin.reconcile();
      if (before.outcome !== after.outcome) throw new NotTried('another outcome; see P16');
      const differing = differences(stateOf(before), stateOf(after), 3);
      if (differing.length > 0) throw new NotMet(differing.join('; '), 'no difference');
      return undefined;
    },
  },
  {
    number: 'P25',
    level: 'SHOULD',
    title: 'is well after a call that was cancelled',
    check: async (plugin) => {
      await plugin.reconciled();
      for (const after of [0, 5, 20]) {
        const cancelled = AbortSignal.timeout(after);
        // Answered before, or cancelled: either is as it should be.
        await plugin.reconcile(plugin.request(), cancelled).catch(passNotTried);
      }
      const answer = await plugin.retrying(() => plugin.reconcile()).catch(passNotTried);
      if (typeof answer !== 'string' && answer.outcome === Outcome.SUCCESS) return undefined;
      throw new NotMet(`the next call is answered with ${describeAnswer(answer)}`, 'SUCCESS, as before');
    },
  },
  {
    number: 'P27',
    level: 'MUST',
    title: 'finalizes what it reconciled',
    check: async (plugin) => {
      await plugin.reconciled();
      await finalizes(plugin, plugin.request());
      return undefined;
    },
  },
  {
    number: 'P28',
    level: 'MUST',
    title: 'finalizes again what it has finalized',
    check: async (plugin) => {
      await plugin.reconciled();
      await finalizes(plugin, { ...plugin.request(), cause: FinalizeCause.DELETED });
      await finalizes(plugin, { ...plugin.request(), cause: FinalizeCause.HANDED_OVER });
      return undefined;
    },
  },
  {
    number: 'P27',
    level: 'MUST',
    title: 'finalizes what it never saw',
    check: async (plugin) => {
      if (!plugin.sample.isGiven) throw new NotTried('no resource was given, with --resource');
      const { base } = plugin.sample;
      await finalizes(plugin, plugin.request(named(base, `${base.metadata.name}-never-seen`)));
      return undefined;
    },
  },
  {
    number: 'P17',
    level: 'MUST',
    title: 'relies on no order: reconciles what was finalized, as a later try of a later generation',
    check: async (plugin) => {
      const before = await plugin.reconciled();
      const { base } = plugin.sample;
      const later = { ...base, metadata: { ...base.metadata, generation: base.metadata.generation + 7 } };
      const request = plugin.request(later);
      const call = () => plugin.reconcile({ ...request, context: { ...request.context, attempt: 5 } });
      const answer = await plugin.retrying(call).catch(passNotTried);
      await plugin.finalize();
      if (typeof answer !== 'string' && answer.outcome === before.outcome) return undefined;
      throw new NotMet(describeAnswer(answer), 'SUCCESS, as before');
    },
  },
  unseen(
    'P20',
    'SHOULD',
    'answers TERMINAL only where trying again can not help',
    'only its author knows what can help',
  ),
];
async function finalizes(plugin, request) {
  const answer = await plugin.retrying(() => plugin.finalize(request)).catch(passNotTried);
  if (typeof answer !== 'string' && answer.outcome === Outcome.SUCCESS) return;
  throw new NotMet(describeAnswer(answer), 'SUCCESS');
}
/** A gRPC error as a text; what couldn't be tried stays untried. */
function passNotTried(error) {
  if (error instanceof NotTried) throw error;
  return describeAnswer(error);
}
//# sourceMappingURL=reconciling.js.map
