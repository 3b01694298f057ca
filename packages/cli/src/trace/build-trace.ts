import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Candidate, ExplainResourceResponse, RelatedResource, Requirement } from '@kplug/protocol';
import { conditionText } from '../output/condition-text.ts';
import { describeKey } from '../output/describe-key.ts';
import type { Relation, TraceNode } from './trace-node.ts';

/** Returns the trace of a related resource that is delegated itself; `undefined` for any other. */
export type Expand = (related: RelatedResource) => Promise<TraceNode | undefined>;

/** Builds the trace of a delegated resource from its explanation. */
export async function buildTrace(
  explained: ExplainResourceResponse,
  relation: Relation,
  expand: Expand,
): Promise<TraceNode> {
  const { resource, candidates, extensions, dependents, requirements } = explained;
  const children: TraceNode[] = candidates.filter(({ chosen }) => chosen).map(pluginNode);
  const add = async (related: readonly RelatedResource[], as: 'extension' | 'dependent') => {
    for (const one of related) {
      const expanded = await expand(one);
      children.push(expanded ? { ...expanded, relation: as } : relatedNode(one, as));
    }
  };
  await add(extensions, 'extension');
  await add(dependents, 'dependent');
  // A required resource is not followed further: those that require each other would have no end.
  children.push(...requirements.flatMap(requiredNodes));
  return {
    relation,
    name: describeKey(resource?.key ?? ''),
    ready: conditionText(resource?.ready),
    reason: resource?.readyReason || explained.reason,
    message: resource?.readyMessage || explained.message,
    children,
  };
}

function pluginNode({ plugin, version, readyInstances, instances, message }: Candidate): TraceNode {
  const isCallable = readyInstances > 0;
  const callable = `callable instances: ${readyInstances} of ${instances}`;
  return {
    relation: 'plugin',
    name: `${plugin} ${version}`,
    ready: isCallable ? 'True' : 'False',
    reason: isCallable ? 'Chosen' : 'Unreachable',
    message: isCallable ? callable : `${callable}; ${message}`,
    children: [],
  };
}

/** Returns the resources of a requirement, or a node for those that are missing or can't be sent. */
function requiredNodes({ selector, resources, problemReason, problemMessage }: Requirement): TraceNode[] {
  if (resources.length > 0) return resources.map((one) => relatedNode(one, 'required'));
  const reason = problemReason || 'NotFound';
  const message = problemMessage || `${selector} doesn't exist`;
  return [{ relation: 'required', name: selector, ready: 'False', reason, message, children: [] }];
}

function relatedNode({ key, ready, reason, message, since }: RelatedResource, relation: Relation): TraceNode {
  return {
    relation,
    name: describeKey(key),
    ready: conditionText(ready),
    reason,
    message,
    ...(since && { since: new Date(timestampMs(since)).toISOString() }),
    children: [],
  };
}
