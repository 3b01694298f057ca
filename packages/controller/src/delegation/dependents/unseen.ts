import { findCondition } from '../../resources/conditions.ts';
import { describeKey, type Resource } from '../../resources/resource.ts';
import type { Unready } from './summarize.ts';
import type { Unseen } from './workflow.ts';

/**
 * Describes why a base isn't ready although its dependents are: the plugin has not seen the given ones as they are. `undefined` if the base
 * was ready before, so that the repair of a dependent doesn't make it unready for a moment.
 */
export function describeUnseen({ status, metadata }: Resource, [first]: readonly Unseen[]): Unready | undefined {
  const ready = findCondition(status, 'Ready');
  const wasReady = ready?.status === 'True' && ready.observedGeneration === metadata.generation;
  if (!first || wasReady) return undefined;
  const { key, plugin } = first.claim;
  const message = `${describeKey(key)} is ready, and ${plugin.text} is called with it`;
  return { reason: 'DependentsNotReady', message, isBrief: true };
}
