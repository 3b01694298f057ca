import { observedGenerationOf } from '../delegation/states/base-state.ts';
import { formatPlugin, isSameVersionedName } from '../names.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Instance } from '../registry/instance.ts';
import { formatTime } from '../resources/conditions.ts';
import { keyOf } from '../resources/resource.ts';
import type { DiagnosisParts, KnownBase } from './known-base.ts';
import { formatKind } from './words.ts';

/** Says what of the shown state may be out of date, and why, one sentence each. */
export function findStale(known: KnownBase, { isStandby }: DiagnosisParts): string[] {
  const { base, delegation, state } = known;
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
    ...pluginsOf(known).flatMap(describeSuspect),
  ];
}

/** Returns the plugins that are chosen for a resource, or reconciled it last. */
function pluginsOf({ base, delegation, candidates }: KnownBase): Implementation[] {
  const holders = delegation.holders.holdersOf(base);
  return candidates
    .filter(
      ({ candidate, reason }) => reason === 'Chosen' || holders.some((one) => isSameVersionedName(one, candidate)),
    )
    .map(({ candidate }) => candidate);
}

/** Says that a plugin has not been heard of, if none of its instances is live. */
function describeSuspect(plugin: Implementation): string[] {
  // Live instances come first among those that may be called.
  if (plugin.callable[0]?.state === 'live' || plugin.size === 0) return [];
  let latest: Instance | undefined;
  for (const instance of plugin.instances) {
    if (instance.state !== 'suspect') return [];
    if (!latest || instance.lastHeardAt > latest.lastHeardAt) latest = instance;
  }
  if (!latest) return [];
  const { lastHeardAt, stateReason } = latest;
  const why = stateReason && `: ${stateReason}`;
  return [`${formatPlugin(plugin)} is suspect, and was last heard of at ${formatTime(new Date(lastHeardAt))}${why}`];
}
