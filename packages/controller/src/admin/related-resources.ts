import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ConditionStatus, type RelatedResourceSchema, type RequirementSchema } from '@kplug/protocol';
import { type DependentReason, readInventory, reasonOf } from '../delegation/dependents/inventory.ts';
import type { Gathered } from '../delegation/extensions/gather.ts';
import type { FoundRequirement } from '../delegation/requirements/found-requirements.ts';
import { assessReadiness } from '../readiness/assess-readiness.ts';
import { findCondition } from '../resources/conditions.ts';
import { formatKey, keyOf, type Resource } from '../resources/resource.ts';

type Related = MessageInitShape<typeof RelatedResourceSchema>;

/** Describes the extensions of a base: those that were found, then those that could not be resolved or are ignored. */
export function describeExtensions({ extensions, problems }: Gathered): Related[] {
  const unresolved = problems.flatMap(({ reference, reason, message }) =>
    reference ? [{ key: formatKey(reference), ready: ConditionStatus.FALSE, reason, message }] : [],
  );
  return [...[...extensions.values()].map(describeResource), ...unresolved];
}

/** Describes what a plugin requires for a base. */
export function describeRequirement({
  plugin: { plugin, version },
  name,
  selector,
  resources,
  problem,
}: FoundRequirement): MessageInitShape<typeof RequirementSchema> {
  return {
    plugin: plugin.text,
    pluginVersion: version,
    name,
    selector,
    resources: resources.map(describeResource),
    problemReason: problem?.code ?? '',
    problemMessage: problem?.message ?? '',
  };
}

/** Describes the dependents that the status of a base lists. */
export function describeDependents(base: Resource): Related[] {
  return readInventory(base).map(({ key, reason, message = '', since }) => ({
    key,
    ready: readyOf(reason),
    reason: reason ?? '',
    message,
    ...sinceOf(since),
  }));
}

function describeResource(resource: Resource): Related {
  const { state, message } = assessReadiness(resource);
  return {
    key: keyOf(resource),
    ready: readyOf(reasonOf[state]),
    reason: reasonOf[state],
    message,
    ...sinceOf(findCondition(resource.status, 'Ready')?.lastTransitionTime),
  };
}

/** Older versions of the controller wrote no reason. */
function readyOf(reason: DependentReason | undefined): ConditionStatus {
  if (reason === undefined) return ConditionStatus.UNKNOWN;
  return reason === 'Ready' ? ConditionStatus.TRUE : ConditionStatus.FALSE;
}

function sinceOf(time: string | undefined): Pick<Related, 'since'> {
  const since = Date.parse(time ?? '');
  return Number.isNaN(since) ? {} : { since: timestampFromMs(since) };
}
