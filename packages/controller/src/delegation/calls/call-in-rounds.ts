import type { PluginAnswer, PluginCall, RequiredResources } from '../../clients/plugin-call.ts';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { formatPlugin } from '../../names.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { Pass } from '../passes/pass.ts';
import { type Difference, describeRequirement } from '../requirements/requirement.ts';
import { failureOf } from './attempt.ts';

const { maxRequirementRounds, maxReportedDifferences: maxNamed } = limits.delegation;

/** Calls of one plugin for the base of a pass. */
export interface CallRounds {
  implementation: Implementation;
  isFinalizing: boolean;
  /** Makes a call that brings the resources which the plugin required. */
  make: (required: RequiredResources) => PluginCall;
  send: (call: PluginCall) => Promise<PluginAnswer>;
}

/**
 * Calls a plugin until it has all resources that it requires. Returns the last call with its answer; the former answers are discarded.
 * Rejects as the call does, or with `RequirementForbidden`, `RequirementsTooLarge`, `StorageFailed` if the resources can't be read, or
 * `RequirementsUnstable`.
 */
export async function callInRounds(
  { context: { requirements, operations }, base }: Pick<Pass, 'context' | 'base'>,
  { implementation, isFinalizing, make, send }: CallRounds,
): Promise<{ call: PluginCall; answer: PluginAnswer }> {
  for (let round = 1; ; round++) {
    const call = make(requirements.find(base, implementation));
    const answer = await send(call);
    const differences = await requirements.answered(base, implementation, answer, isFinalizing);
    if (differences.length === 0) return { call, answer };
    // An operation that the plugin began goes on, although the rest of the answer is discarded.
    if (answer.progress) operations.answered(base, [{ implementation, answer }], isFinalizing);
    if (round === maxRequirementRounds) throw unstable(implementation, answer, differences);
  }
}

function unstable(
  implementation: Implementation,
  answer: PluginAnswer,
  differences: readonly Difference[],
): KplugError {
  const described = differences.slice(0, maxNamed).map(({ name, before, after }) => {
    const [was, is] = [before, after].map((one) => (one ? describeRequirement(one) : 'nothing'));
    return `"${name}" was ${was} and is now ${is}`;
  });
  const rest = differences.length > maxNamed ? [`and ${differences.length - maxNamed} more`] : [];
  const messages = [
    `${formatPlugin(implementation)} still requires other resources after ${maxRequirementRounds} calls: ${[...described, ...rest].join(', ')}`,
    'each answer must state all requirements, also those that the call brought',
    ...(answer.outcome === 'success' ? [] : [`its last answer was: ${failureOf({ implementation, answer }).message}`]),
  ];
  return new KplugError('RequirementsUnstable', messages.join('; '));
}
