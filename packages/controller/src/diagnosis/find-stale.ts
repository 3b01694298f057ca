import { observedGenerationOf } from '../delegation/states/base-state.ts';
import { formatPlugin } from '../names.ts';
import type { Implementation } from '../registry/implementation.ts';
import { formatTime } from '../resources/conditions.ts';
import { keyOf } from '../resources/resource.ts';
import type { DiagnosisParts, KnownBase } from './known-base.ts';
import { formatKind } from './words.ts';

/** Says what of the shown state may be out of date, and why, one sentence each. */
export function findStale({ base, delegation, choice, state }: KnownBase, { isStandby }: DiagnosisParts): string[] {
  const { problem, settings } = delegation;
  const observed = observedGenerationOf(base);
  const { generation } = base.metadata;
  const isOlder = observed !== undefined && observed < generation;
  const hasFailed = delegation.writeFailureOf(keyOf(base)) !== undefined;
  const paused = state.reason === 'Paused' ? ', as the resource is paused' : '';
  return [
    ...(isStandby()
      ? ['This operator waits for leadership: it does no passes, and what it knows of plugins may be nothing']
      : []),
    ...(problem
      ? [`Resources of the kind ${formatKind(settings.base)} can't be read now, so that this is their last known state`]
      : []),
    ...(isOlder
      ? [`The status is about generation ${observed}; the resource is in generation ${generation}${paused}`]
      : []),
    ...(hasFailed ? ['The last status could not be written, so that the stored one may be older'] : []),
    ...choice.selection.chosen.flatMap(describeSuspect),
  ];
}

/** Says that a plugin has not been heard of, if none of its instances is live. */
function describeSuspect(plugin: Implementation): string[] {
  const instances = [...plugin.instances];
  if (instances.length === 0 || instances.some(({ state }) => state !== 'suspect')) return [];
  const heardAt = formatTime(new Date(Math.max(...instances.map(({ lastHeardAt }) => lastHeardAt))));
  const [why] = instances.map(({ stateReason }) => stateReason).filter(Boolean);
  return [`${formatPlugin(plugin)} is suspect, and was last heard of at ${heardAt}${why ? `: ${why}` : ''}`];
}
