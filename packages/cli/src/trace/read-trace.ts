import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Diagnosis, type TraceNode as TraceNodeMessage, TraceRelation } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import type { AdminClient } from '../operator/admin-client.ts';
import { conditionText } from '../output/condition-text.ts';
import { nodesOf, type Relation, type TraceNode } from './trace-node.ts';

/** Place of a resource. */
export interface TracedResource {
  /** Kind as a user writes it. */
  kind: string;
  namespace: string;
  name: string;
}

/** Trace of a resource, with the root cause of its state. */
export interface Trace {
  resource: TraceNode;
  /** Node whose state explains why the resource isn't ready; `undefined` for a resource that is ready. */
  rootCause: TraceNode | undefined;
  /** Explanation of the operator; `undefined` if it gives none. */
  diagnosis: Diagnosis | undefined;
}

const relations: Partial<Record<TraceRelation, Relation>> = {
  [TraceRelation.PLUGIN]: 'plugin',
  [TraceRelation.EXTENSION]: 'extension',
  [TraceRelation.DEPENDENT]: 'dependent',
  [TraceRelation.REQUIRED]: 'required',
};

/** Reads the trace of a delegated resource from an operator. Rejects with a `CommandError`. */
export async function readTrace(client: AdminClient, wanted: TracedResource): Promise<Trace> {
  const answer = await client.trace(wanted);
  if (!answer?.resource) {
    throw new CommandError('failed', `the operator at ${client.url} is too old to trace resources; upgrade it`);
  }
  const { diagnosis } = answer;
  const resource = readNode(answer.resource);
  return { resource, rootCause: findRootCause(resource, diagnosis), diagnosis };
}

function readNode({ relation, name, ready, reason, message, since, children }: TraceNodeMessage): TraceNode {
  return {
    relation: relations[relation] ?? 'base',
    name,
    ready: conditionText(ready),
    reason,
    message,
    ...(since && { since: new Date(timestampMs(since)).toISOString() }),
    children: children.map(readNode),
  };
}

function findRootCause(resource: TraceNode, diagnosis: Diagnosis | undefined): TraceNode | undefined {
  if (resource.ready === 'True') return undefined;
  const { causeName = '' } = diagnosis ?? {};
  if (causeName === '') return resource;
  const named = [...nodesOf(resource)].map(({ node }) => node).filter(({ name }) => name === causeName);
  return named.find(({ ready }) => ready !== 'True') ?? resource;
}
