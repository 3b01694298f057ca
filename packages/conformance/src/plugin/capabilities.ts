import { Outcome } from '@kplug/protocol';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import { describeAnswer } from './describe-answer.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';

/** Version that no plugin provides. */
const unknownVersion = '0.never-provided';

/** Requirements on plugins that provide capabilities. */
export const capabilityRequirements: readonly Requirement<PluginUnderTest>[] = [
  {
    number: 'P53',
    level: 'MUST',
    title: 'fails a call for a version of a capability that it did not register',
    check: async (plugin) => {
      const answer = await plugin.reconcile(requestFor(plugin)).catch(describeError);
      if (typeof answer === 'string' || answer.outcome !== Outcome.SUCCESS) return describeAnswer(answer);
      throw new NotMet('SUCCESS', 'TERMINAL with the reason');
    },
  },
  {
    number: 'P53',
    level: 'MUST',
    title: 'finalizes a base whose version it no longer provides',
    check: async (plugin) => {
      const request = requestFor(plugin);
      const finalize = async (given: Parameters<PluginUnderTest['finalize']>[0]) => {
        await plugin.retrying(() => plugin.reconcile()).catch(describeError);
        const answer = await plugin.retrying(() => plugin.finalize(given)).catch(describeError);
        return typeof answer !== 'string' && answer.outcome === Outcome.SUCCESS ? undefined : describeAnswer(answer);
      };
      if (await finalize(plugin.request())) throw new NotTried('finalizing the resource failed; see P27');
      const failure = await finalize(request);
      if (failure) throw new NotMet(failure, 'SUCCESS');
      return undefined;
    },
  },
];

/** Returns a request for a version that the plugin did not register. Throws `NotTried` if it provides no capabilities. */
function requestFor(plugin: PluginUnderTest) {
  const request = plugin.request();
  const { capability } = request.assignment;
  if (!capability) throw new NotTried('the API of the plugin has no `provides`');
  return { ...request, assignment: { ...request.assignment, capability: { ...capability, version: unknownVersion } } };
}

/** Describes a gRPC error; rethrows `NotTried`. */
function describeError(error: unknown): string {
  if (error instanceof NotTried) throw error;
  return describeAnswer(error);
}
