import { openKubernetes } from '@kplug/controller';
import {
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from '@kubernetes/client-node';
import { pino } from 'pino';
import { serveCommands } from './commands.ts';

export type CacheName = 'ours' | 'informer';

/** Which objects to keep. */
export interface CacheOptions {
  cache: CacheName;
  kubeconfig: string;
  namespace: string;
  group: string;
  count: number;
}

/** What keeping them costs. */
export interface CacheCost {
  /** Until all are known, in milliseconds. */
  time: number;
  /** Heap for each, in bytes. */
  heap: number;
}

/** A cache of a cluster's resources by itself. */
const commands = {
  /** Fills a cache, and says what that took. It stays until the process ends. */
  async fill(options: CacheOptions): Promise<CacheCost> {
    const fill = options.cache === 'ours' ? fillOurs : fillInformer;
    // Run once before for a few, so that modules, connections and compiled code aren't counted.
    await fill(options, `${options.namespace}-few`);
    const before = heapUsed();
    const startedAt = performance.now();
    const known = await fill(options, options.namespace);
    const time = performance.now() - startedAt;
    const heap = (heapUsed() - before) / options.count;
    // Asked here, so that nothing was collected before.
    const count = known();
    if (count !== options.count) throw new Error(`${count} objects are known, not ${options.count}`);
    return { time, heap };
  },
};

export type ClusterCacheCommands = typeof commands;

serveCommands(commands);

/** Returns how many objects are in the cache, for as long as that is kept. */
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

function heapUsed(): number {
  if (!globalThis.gc) throw new Error('this process needs --expose-gc');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
