import { findCondition } from '../../resources/conditions.ts';
import type { Resource } from '../../resources/resource.ts';
import { creationReasonOf } from './creation.ts';

const reason = 'UpdatedWithoutAnswer';

/** Warning that a plugin may have ignored a change of the spec. */
export interface IgnoredChange {
  reason: string;
  message: string;
  /** True for the first call after the change. */
  isNew: boolean;
}

/**
 * Returns the warning for an `update` that returned nothing: the plugin may implement `create` only. `undefined` when the spec
 * hasn't changed since the plugin last returned something.
 */
export function ignoredChange(plugin: string, base: Resource): IgnoredChange | undefined {
  const reconciled = findCondition(base.status, 'Reconciled');
  const isNew = reconciled?.status !== 'True' || reconciled.observedGeneration !== base.metadata.generation;
  if (!isNew && creationReasonOf(plugin, base) !== reason) return undefined;
  const message = `update of ${plugin} returned nothing for a changed spec; if ${plugin} makes changes in create only, set "v0Calls: createAlways" in the delegation`;
  return { reason, message, isNew };
}
