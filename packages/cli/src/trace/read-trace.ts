import { groupOf, parseKey } from '@kplug/controller';
import type { RelatedResource } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import type { AdminClient } from '../operator/admin-client.ts';
import { buildTrace } from './build-trace.ts';
import type { Relation, TraceNode } from './trace-node.ts';

/** Largest depth of delegated resources that are related to each other. */
const maxDepth = 8;

/** Place of a resource. */
export interface TracedResource {
  /** Kind as a user writes it. */
  kind: string;
  namespace: string;
  name: string;
}

/**
 * Reads the trace of a delegated resource from an operator. Related resources that are delegated too are traced in turn. Rejects with a
 * `CommandError`.
 */
export async function readTrace(client: AdminClient, resource: TracedResource): Promise<TraceNode> {
  const delegations = await client.listDelegations();
  const delegated = new Set(delegations.map(({ apiVersion, kind }) => `${groupOf(apiVersion)}/${kind}`));

  async function read(wanted: TracedResource, relation: Relation, above: readonly string[]): Promise<TraceNode> {
    const explained = await client.explain(wanted);
    const path = [...above, explained.resource?.key ?? ''];
    const expand = async ({ key }: RelatedResource) => {
      const { apiVersion, kind, namespace, name } = parseKey(key);
      const isDelegated = delegated.has(`${groupOf(apiVersion)}/${kind}`);
      if (!isDelegated || path.length >= maxDepth || path.includes(key)) return undefined;
      return readIfFound({ kind: `${kind}.${groupOf(apiVersion)}`, namespace, name }, path);
    };
    return buildTrace(explained, relation, expand);
  }

  /** A resource in a namespace that isn't delegated, or that doesn't exist, has no trace of its own. */
  async function readIfFound(wanted: TracedResource, path: readonly string[]): Promise<TraceNode | undefined> {
    try {
      return await read(wanted, 'extension', path);
    } catch (error) {
      if (error instanceof CommandError && error.failure === 'notFound') return undefined;
      throw error;
    }
  }

  return read(resource, 'base', []);
}
