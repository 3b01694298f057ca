import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RelatedResourceSchema, RequirementSchema } from '@kplug/protocol';
import type { FoundRequirement } from '../delegation/requirements/found-requirements.ts';
import { type Related, relatedResource } from '../diagnosis/related.ts';
import { conditionStatuses, sinceOf } from './describe-resource.ts';

/** Describes an extension or a dependent. */
export function describeRelated({
  key,
  ready,
  reason,
  message,
  since,
}: Related): MessageInitShape<typeof RelatedResourceSchema> {
  return { key, ready: conditionStatuses[ready], reason, message, ...sinceOf(since) };
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
    resources: resources.map((one) => describeRelated(relatedResource(one))),
    problemReason: problem?.code ?? '',
    problemMessage: problem?.message ?? '',
  };
}
