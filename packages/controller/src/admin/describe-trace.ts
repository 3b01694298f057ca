import type { MessageInitShape } from '@bufbuild/protobuf';
import { type DiagnosisSchema, type TraceNodeSchema, TraceRelation } from '@kplug/protocol';
import type { Diagnosis } from '../diagnosis/diagnose.ts';
import type { Relation, TraceNode } from '../diagnosis/trace-node.ts';
import { conditionStatuses, resourceStates, sinceOf } from './describe-resource.ts';

const relations: Readonly<Record<Relation, TraceRelation>> = {
  base: TraceRelation.BASE,
  plugin: TraceRelation.PLUGIN,
  extension: TraceRelation.EXTENSION,
  dependent: TraceRelation.DEPENDENT,
  required: TraceRelation.REQUIRED,
};

/** Describes a trace. */
export function describeTrace(node: TraceNode): MessageInitShape<typeof TraceNodeSchema> {
  const { relation, key, name, ready, reason, message, since, state, children } = node;
  return {
    ...{ key, name, reason, message },
    ...(state !== undefined && { delegated: true, state: resourceStates[state] }),
    relation: relations[relation],
    ready: conditionStatuses[ready],
    children: children.map(describeTrace),
    ...sinceOf(since),
  };
}

/** Describes a diagnosis. */
export function describeDiagnosis(diagnosis: Diagnosis): MessageInitShape<typeof DiagnosisSchema> {
  const { state, reason, summary, details, advice, causeName, causeKey, since, stale } = diagnosis;
  return {
    ...{ reason, summary, advice, causeName, causeKey },
    state: resourceStates[state],
    details: [...details],
    stale: [...stale],
    ...sinceOf(since),
  };
}
