// trace/: the tree of a resource with what it depends on, and the root cause of its state.

import type { ConditionText } from '../output/condition-text.ts';

/** Relation of a node to its parent. */
export type Relation = 'base' | 'plugin' | 'extension' | 'dependent' | 'required';

/** A resource or plugin in a trace. */
export interface TraceNode {
  relation: Relation;
  /** `Kind namespace/name` of a resource; name and version of a plugin. */
  name: string;
  ready: ConditionText;
  reason: string;
  /** Explanation. May be empty for a node that is ready. */
  message: string;
  /** Time of the last change of the reason, in RFC 3339. Missing if it isn't known. */
  since?: string;
  children: TraceNode[];
}

/** Returns a node and all below it, each with its depth, in the order of the tree. */
export function* nodesOf(node: TraceNode, depth = 0): Generator<{ node: TraceNode; depth: number }> {
  yield { node, depth };
  for (const child of node.children) yield* nodesOf(child, depth + 1);
}
