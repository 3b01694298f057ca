import type { TraceNode } from './trace-node.ts';

/** Returns the node whose state explains why a node isn't ready; `undefined` for a node that is ready. */
export function findRootCause(node: TraceNode): TraceNode | undefined {
  if (node.ready === 'True') return undefined;
  const culprit = findCulprit(node);
  return culprit ? findRootCause(culprit) : node;
}

/** Finds the child that the state of a node names. A child that isn't ready for another reason is no cause. */
function findCulprit(node: TraceNode): TraceNode | undefined {
  const unready = node.children.filter(({ ready }) => ready === 'False');
  const dependents = unready.filter(({ relation }) => relation === 'dependent');
  if (node.reason.startsWith('Dependent')) return firstDependent(dependents);
  const extensions = unready.filter(({ relation }) => relation === 'extension');
  const named = extensions.find((one) => mentions(node.message, one));
  return named ?? unready.find(({ relation }) => relation === 'plugin');
}

/** A dependent that failed precedes one that makes progress. One that waits for others is no cause. */
function firstDependent(dependents: readonly TraceNode[]): TraceNode | undefined {
  const of = (wanted: string) => dependents.find(({ reason }) => reason === wanted);
  return of('Failed') ?? of('Progressing') ?? of('Deleting');
}

/** Reports whether a message has the kind and the name of a resource as words. */
function mentions(message: string, { name }: TraceNode): boolean {
  const [kind = '', place = ''] = name.split(' ');
  const words = new Set(message.split(/[^\w.-]+/).map((word) => word.replace(/[.-]+$/, '')));
  return words.has(kind) && words.has(place.slice(place.indexOf('/') + 1));
}
