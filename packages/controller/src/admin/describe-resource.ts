import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ConditionStatus, type DelegatedResourceSchema, ResourceState } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import type { StateName } from '../delegation/states/base-state.ts';
import { type FoundBase, readinessOf } from '../diagnosis/known-base.ts';
import type { Readiness } from '../diagnosis/trace-node.ts';
import { findCondition } from '../resources/conditions.ts';
import { keyOf, type ResourceKey } from '../resources/resource.ts';

/** States of the protocol. */
export const resourceStates: Readonly<Record<StateName, ResourceState>> = {
  ready: ResourceState.READY,
  waiting: ResourceState.WAITING,
  failing: ResourceState.FAILING,
  deleting: ResourceState.DELETING,
  paused: ResourceState.PAUSED,
};

/** Statuses of conditions of the protocol. */
export const conditionStatuses: Readonly<Record<Readiness, ConditionStatus>> = {
  True: ConditionStatus.TRUE,
  False: ConditionStatus.FALSE,
  Unknown: ConditionStatus.UNKNOWN,
};

/** Resource of a list, by its key: it may be gone by now. */
export interface ListedResource {
  readonly key: ResourceKey;
  readonly delegation: Delegation;
}

/** Describes the resources of a list that still exist. */
export function describeListed(listed: readonly ListedResource[]): MessageInitShape<typeof DelegatedResourceSchema>[] {
  return listed.flatMap(({ key, delegation }) => {
    const base = delegation.get(key);
    return base ? [describeBase({ base, delegation })] : [];
  });
}

/** Describes a base resource and its state. */
export function describeBase(found: FoundBase): MessageInitShape<typeof DelegatedResourceSchema> {
  const { base, delegation } = found;
  const holders = delegation.holders.holdersOf(base);
  const { ready, reason, message, since } = readinessOf(found);
  return {
    key: keyOf(base),
    delegation: delegation.settings.name,
    generation: BigInt(base.metadata.generation),
    observedGeneration: BigInt(Number(base.status?.observedGeneration ?? 0)),
    plugin: holders.map(({ plugin }) => plugin.text).join(','),
    pluginVersion: holders.map(({ version }) => version).join(','),
    selectionReason: findCondition(base.status, 'PluginSelected')?.reason ?? '',
    ready: conditionStatuses[ready] ?? ConditionStatus.UNKNOWN,
    readyReason: reason,
    readyMessage: message,
    state: resourceStates[delegation.stateOf(base).state],
    ...sinceOf(since),
  };
}

/** Returns a field with a time in milliseconds since the epoch; none if it isn't known. */
export function sinceOf(since: number | undefined): { since?: Timestamp } {
  return since === undefined ? {} : { since: timestampFromMs(since) };
}
