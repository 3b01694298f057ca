import { Child } from '../child.ts';
import type { BenchCluster } from '../cluster.ts';
import type { CacheCost, CacheName, ClusterCacheCommands } from '../processes/cluster-cache.ts';
import { tableName } from '../processes/tables.ts';
import { define, kindsOf } from './cluster-tables.ts';

/** Cost of each cache, by round. */
export type CacheRounds = Record<CacheName, CacheCost[]>;

/** Size of an object as the API server sends it, in bytes. */
export const objectSize = 600;

const few = 20;

/** Fills the caches of Kplug and client-node with the same objects in turn, each in a new process. */
export async function measureCaches(
  cluster: BenchCluster,
  { count, rounds }: { count: number; rounds: number },
  progress: (doing: string) => void,
): Promise<CacheRounds> {
  const kinds = kindsOf('cache');
  await define(cluster, kinds);
  progress(`creating ${count.toLocaleString('en')} objects`);
  const namespace = await cluster.user.namespace();
  await cluster.user.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: `${namespace}-few` } });
  const serverName = await fittingName(cluster, kinds.apiVersion, namespace);
  const make = (home: string, number: number) =>
    cluster.apply(Array.from({ length: number }, (_, index) => object(kinds.apiVersion, home, index, serverName)));
  await make(`${namespace}-few`, few);
  await make(namespace, count);
  const found: CacheRounds = { ours: [], informer: [] };
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}: caches`);
    for (const cache of ['ours', 'informer'] as const) {
      await using child = new Child<ClusterCacheCommands>(new URL('../processes/cluster-cache.ts', import.meta.url), {
        execArgv: ['--expose-gc'],
      });
      const { kubeconfig } = cluster;
      found[cache].push(await child.ask('fill', { cache, kubeconfig, namespace, group: kinds.group, count }));
    }
  }
  return found;
}

function object(apiVersion: string, namespace: string, index: number, serverName: string) {
  return {
    apiVersion,
    kind: 'Table',
    metadata: { name: tableName(index), namespace },
    spec: { serverName, preferredImplementation: 'Preferred' },
  };
}

/** Pads an object to its size. */
async function fittingName(cluster: BenchCluster, apiVersion: string, namespace: string): Promise<string> {
  const size = Buffer.byteLength(JSON.stringify(await cluster.user.apply(object(apiVersion, namespace, 0, ''))));
  if (size > objectSize) throw new Error(`the object has ${size} bytes, more than ${objectSize}`);
  return 'x'.repeat(objectSize - size);
}
