import { parseKey } from '../resources/resource.ts';
import type { TraceNode } from './trace-node.ts';

/**
 * Returns the nodes that lead from a node to the one whose state explains why it isn't ready, both included; empty for a node that is
 * ready.
 */
export function findRootCause(node: TraceNode): TraceNode[] {
  if (node.ready === 'True') return [];
  const culprit = findCulprit(node);
  return [node, ...(culprit ? findRootCause(culprit) : [])];
}

/** Finds the child that the state of a node names. A child that isn't ready for another reason is no cause. */
function findCulprit(node: TraceNode): TraceNode | undefined {
  const unready = node.children.filter(({ ready }) => ready === 'False');
  const dependents = unready.filter(({ relation }) => relation === 'dependent');
  if (node.reason.startsWith('Dependent')) return firstDependent(dependents);
  const extensions = unready.filter(({ relation }) => relation === 'extension');
  const named = extensions.find((one) => mentions(node.message, one));
  return named ?? unready.find(({ relation, reason }) => relation === 'plugin' && reason === 'Unreachable');
}

/** A dependent that failed precedes one that makes progress. One that waits for others is no cause. */
function firstDependent(dependents: readonly TraceNode[]): TraceNode | undefined {
  const of = (wanted: string) => dependents.find(({ reason }) => reason === wanted);
  return of('Failed') ?? of('Progressing') ?? of('Deleting') ?? dependents.find(({ state }) => state !== undefined);
}

/** Reports whether a message has the kind and the name of a resource as words. */
function mentions(message: string, { key }: TraceNode): boolean {
  const { kind, name } = parseKey(key);
  const words = new Set(message.split(/[^\w.-]+/).map((word) => word.replace(/[.-]+$/, '')));
  return words.has(kind) && words.has(name);
}
