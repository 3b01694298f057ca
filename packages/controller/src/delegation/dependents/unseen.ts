import { findCondition } from '../../resources/conditions.ts';
import { describeReference, parseKey, type Resource } from '../../resources/resource.ts';
import type { Claim } from './claims.ts';
import type { Unready } from './summarize.ts';

/**
 * Describes why a base isn't ready although its dependents are: the plugin has not seen the given ones as they are. `undefined` if the base
 * was ready before, so that the repair of a dependent doesn't make it unready for a moment.
 */
export function describeUnseen({ status, metadata }: Resource, [first]: readonly Claim[]): Unready | undefined {
  const ready = findCondition(status, 'Ready');
  const wasReady = ready?.status === 'True' && ready.observedGeneration === metadata.generation;
  if (!first || wasReady) return undefined;
  const message = `${describeReference(parseKey(first.key))} is ready, and ${first.plugin.text} is called with it`;
  return { reason: 'DependentsNotReady', message, isBrief: true };
}
