import { openKubernetes } from '@kplug/controller/kubernetes';
import {
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from '@kubernetes/client-node';
import { pino } from 'pino';
import { serveCommands } from './commands.ts';
import { heapUsed } from './heap-used.ts';

export type CacheName = 'ours' | 'informer';

/** Objects to cache. */
export interface CacheOptions {
  cache: CacheName;
  kubeconfig: string;
  namespace: string;
  group: string;
  count: number;
}

/** Cost of a cache. */
export interface CacheCost {
  /** Time until all objects are cached, in milliseconds. */
  time: number;
  /** Heap for each object, in bytes. */
  heap: number;
}

/** Cache of the resources of a cluster. */
const commands = {
  /** Fills a cache, and returns its cost. The cache exists until the process exits. */
  async fill(options: CacheOptions): Promise<CacheCost> {
    const fill = options.cache === 'ours' ? fillOurs : fillInformer;
    // A first run with few objects excludes modules, connections and compiled code from the measurement.
    await fill(options, `${options.namespace}-few`);
    const before = heapUsed();
    const startedAt = performance.now();
    const known = await fill(options, options.namespace);
    const time = performance.now() - startedAt;
    const heap = (heapUsed() - before) / options.count;
    // Keeps the cache reachable until here.
    const count = known();
    if (count !== options.count) throw new Error(`got ${count} objects, want ${options.count}`);
    return { time, heap };
  },
};

export type ClusterCacheCommands = typeof commands;

serveCommands(commands);

/** Fills a cache. Returns a function that counts its objects and keeps it reachable. */
async function fillOurs({ kubeconfig, group }: CacheOptions, namespace: string): Promise<() => number> {
  const kubeConfig = load(kubeconfig);
  const logger = pino({ level: 'silent' });
  const resources = await openKubernetes({ kubeConfig, namespaces: [namespace], namespace, logger });
  const kind = { apiVersion: `${group}/v1`, kind: 'Table' };
  await resources.follow(kind, () => undefined);
  return () => [...resources.list(kind)].length;
}

async function fillInformer({ kubeconfig, group }: CacheOptions, namespace: string): Promise<() => number> {
  const kubeConfig = load(kubeconfig);
  const api = kubeConfig.makeApiClient(CustomObjectsApi);
  const request = { group, version: 'v1', namespace, plural: 'tables' };
  const list = (): Promise<KubernetesListObject<KubernetesObject>> => api.listNamespacedCustomObject(request);
  const informer = makeInformer(kubeConfig, `/apis/${group}/v1/namespaces/${namespace}/tables`, list);
  await informer.start();
  return () => informer.list().length;
}

function load(kubeconfig: string): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(kubeconfig);
  return kubeConfig;
}
