import type { FoundRequirement } from '../delegation/requirements/found-requirements.ts';
import { limits } from '../limits/limits.ts';
import { formatPlugin } from '../names.ts';
import { describeKey, keyOf, parseKey, type ResourceKey } from '../resources/resource.ts';
import type { JudgedCandidate } from './candidates.ts';
import { explainNow } from './explain-now.ts';
import { type DiagnosisParts, type FoundBase, type KnownBase, learn, readinessOf } from './known-base.ts';
import { type Related, relatedDependents, relatedExtensions, relatedResource } from './related.ts';
import type { Relation, TraceNode } from './trace-node.ts';

const { maxTraceDepth, maxTraceNodes } = limits.states;

/** Trace that is being built: the resources above a node, and the number of nodes so far. */
interface Progress {
  above: readonly ResourceKey[];
  size: { count: number };
}

/**
 * Builds the trace of a base resource: all that it depends on. Related resources that are delegated too are traced in turn, up to a
 * depth and a number of nodes.
 */
export function buildTrace(
  known: KnownBase,
  parts: DiagnosisParts,
  relation: Relation = 'base',
  { above, size }: Progress = { above: [], size: { count: 1 } },
): TraceNode {
  const { base, delegation, name, choice, candidates, gathered } = known;
  const key = keyOf(base);
  const path = [...above, key];
  const children: TraceNode[] = [];
  const add = (node: () => TraceNode) => {
    if (size.count >= maxTraceNodes) return;
    size.count++;
    children.push(node());
  };
  const addRelated = (related: readonly Related[], as: Relation) => {
    for (const one of related) {
      const isFollowed = path.length < maxTraceDepth && !path.includes(one.key);
      const next = isFollowed ? parts.find(parseKey(one.key)) : undefined;
      const isAbove = next !== undefined && path.includes(keyOf(next.base));
      add(() => (next && !isAbove ? buildTrace(learn(next), parts, as, { above: path, size }) : relatedNode(one, as)));
    }
  };
  for (const one of candidates) if (one.reason === 'Chosen') add(() => pluginNode(one, known));
  addRelated(relatedExtensions(gathered), 'extension');
  addRelated(relatedDependents(base), 'dependent');
  // A required resource is not followed further: those that require each other would have no end.
  for (const one of delegation.requirementsOf(base).flatMap(requiredNodes)) add(() => one);
  const { ready, reason, message, since } = readinessOf(known);
  const now = explainNow(base, delegation, choice, parts.registry);
  return {
    relation,
    key,
    name,
    ready,
    reason: reason || now.reason,
    message: message || now.message,
    since,
    state: known.state.state,
    children,
  };
}

function pluginNode({ candidate, message }: JudgedCandidate, { delegation }: FoundBase): TraceNode {
  const { callable, size } = candidate;
  const suspension = delegation.suspensionOf(candidate);
  const isReady = callable.length > 0 && suspension === undefined;
  const instances = `callable instances: ${callable.length} of ${size}`;
  return {
    ...leaf,
    relation: 'plugin',
    name: formatPlugin(candidate),
    ready: isReady ? 'True' : 'False',
    reason: isReady ? 'Chosen' : suspension === undefined ? 'Unreachable' : 'Suspended',
    message: isReady ? instances : `${instances}; ${suspension ?? message}`,
  };
}

/** Returns the resources of a requirement, or a node for those that are missing or can't be sent. */
function requiredNodes({ selector, resources, problem }: FoundRequirement): TraceNode[] {
  if (resources.length > 0) return resources.map((one) => relatedNode(relatedResource(one), 'required'));
  const { code = 'NotFound', message = `${selector} doesn't exist` } = problem ?? {};
  return [{ ...leaf, relation: 'required', name: selector, ready: 'False', reason: code, message }];
}

function relatedNode(related: Related, relation: Relation): TraceNode {
  return { ...leaf, ...related, relation, name: describeKey(related.key), children: [] };
}

const leaf = { key: '', since: undefined, state: undefined, children: [] };
