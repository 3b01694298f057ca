import { type ClusterObject, conditionsSchema, definition } from '@kplug/testing/control-plane';
import type { BenchCluster } from '../cluster.ts';
import { tableManifest } from '../processes/tables.ts';

/** Kinds of one side of a comparison. */
export interface Kinds {
  group: string;
  apiVersion: string;
}

export function kindsOf(side: string): Kinds {
  const group = `${side}.bench.example.org`;
  return { group, apiVersion: `${group}/v1` };
}

const text = { type: 'string' };
const number = { type: 'integer', format: 'int64' };
const object = (properties: object) => ({ type: 'object', properties });
const list = (items: object) => ({ type: 'array', items });

/** Creates the kinds for tables and their options. */
export async function define(cluster: BenchCluster, { group }: Kinds): Promise<void> {
  await cluster.user.define(
    definition({
      group,
      kind: 'Table',
      spec: object({
        serverName: text,
        preferredImplementation: text,
        edit: number,
        columns: list(object({ name: text, type: text })),
        extensions: list(object({ apiVersion: text, kind: text, name: text })),
      }),
      status: object({
        implementation: text,
        plugin: object({ name: text, version: text, api: text, apiVersion: text }),
        observedGeneration: number,
        rows: number,
        conditions: conditionsSchema,
      }),
    }),
  );
  const spec = object({ partitions: number });
  await cluster.user.define(definition({ group, kind: 'Option', spec, status: spec }));
}

/** Creates tables, each with its own option, and returns them. */
export async function makeTables(
  cluster: BenchCluster,
  { apiVersion }: Kinds,
  { namespace, count }: { namespace: string; count: number },
): Promise<ClusterObject[]> {
  const tables = Array.from({ length: count }, (_, index): ClusterObject => {
    const { metadata, spec } = tableManifest(index, 0);
    const extensions = [{ apiVersion, kind: 'Option', name: metadata.name }];
    return { apiVersion, kind: 'Table', metadata: { name: metadata.name, namespace }, spec: { ...spec, extensions } };
  });
  const options = tables.map(({ metadata }) => ({ apiVersion, kind: 'Option', metadata, spec: { partitions: 4 } }));
  await cluster.apply([...options, ...tables]);
  return tables;
}

/** Fails unless all tables are ready and all options have a status. */
export async function verify(
  cluster: BenchCluster,
  { apiVersion }: Kinds,
  { namespace, count }: { namespace: string; count: number },
): Promise<void> {
  const list = (plural: string) =>
    cluster.user.request<{
      items: { status?: { partitions?: number; conditions?: { type: string; status: string }[] } }[];
    }>('GET', `/apis/${apiVersion}/namespaces/${namespace}/${plural}`);
  const ready = (await list('tables')).items.filter(({ status }) =>
    status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
  ).length;
  const written = (await list('options')).items.filter(({ status }) => status?.partitions === 4).length;
  if (ready !== count || written !== count) {
    throw new Error(`of ${count} tables ${ready} are ready, and ${written} of their options have a status`);
  }
}
