import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterObject, definition } from '@kplug/testing/control-plane';
import { Child } from '../child.ts';
import { type BenchCluster, difference, type RequestCounts } from '../cluster.ts';
import type { CapabilityOperatorCommands } from '../processes/capability-operator.ts';
import type { CapabilityPluginCommands } from '../processes/capability-plugin.ts';
import { sharedNow } from '../processes/commands.ts';
import { ClusterWatch } from './cluster-watch.ts';

const dependents = 5;

/** Measurements of one side, by round. Times in milliseconds. */
export interface CapabilityRounds {
  /** Capabilities per second, from the start of the controller until every dependent exists. */
  rate: number[];
  /** Writes for each dependent until then. */
  writes: number[];
  /** Writes for each dependent in passes without changes. */
  rewrites: number[];
  /** Time from the answer to the write that makes the last dependent ready, until a watch shows the capability as ready. */
  ready: number[];
  /** The slowest of these times. */
  slowestReady: number[];
  /** Time from the answer to the deletion of a dependent until a watch shows it again. */
  restored: number[];
  slowestRestored: number[];
  /** Heap for each capability, in bytes. */
  heap: number[];
}

/** Controller under comparison. */
interface Side extends AsyncDisposable {
  readonly group: string;
  readonly found: CapabilityRounds;
  /** Creates the dependents of all capabilities. Returns the time that it took, in milliseconds, and the heap before it, in bytes. */
  settle(run: { namespace: string; count: number }): Promise<{ time: number; heapBefore: number }>;
  heap(): Promise<number>;
  /** Number of passes so far, when no more are due. */
  passes(): Promise<number>;
  stop(): Promise<void>;
}

export interface CapabilityOptions {
  count: number;
  /** Number of capabilities of which times are measured, one after another. */
  samples: number;
  rounds: number;
  /** Adds a first round for the compilers, which is not counted. */
  isWarm: boolean;
  peer: { program: string } | undefined;
}

/** Measures Kplug's operator and its peer in turn, each on new capabilities. */
export async function measureCapabilities(
  cluster: BenchCluster,
  { count, samples, rounds, isWarm, peer }: CapabilityOptions,
  progress: (doing: string) => void,
): Promise<{ ours: CapabilityRounds; peer: CapabilityRounds | undefined }> {
  await using ours = new OurSide(cluster);
  await using theirs = peer && new PeerSide(cluster, peer);
  const sides: Side[] = theirs ? [ours, theirs] : [ours];
  for (const { group } of sides) await cluster.user.define(definition({ group, kind: 'Capability' }));
  if (isWarm) {
    progress('warming up');
    for (const side of sides) await turn(cluster, side, { count: Math.min(count, 200), samples: 10, isCounted: false });
  }
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`);
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      await turn(cluster, side, { count, samples, isCounted: true });
    }
  }
  return { ours: ours.found, peer: theirs?.found };
}

async function turn(
  cluster: BenchCluster,
  side: Side,
  { count, samples, isCounted }: { count: number; samples: number; isCounted: boolean },
): Promise<void> {
  const { group, found } = side;
  const apiVersion = `${group}/v1`;
  const namespace = await cluster.user.namespace();
  const spec = { category: 'database', type: 'postgresql', version: '17' };
  const capabilities = Array.from({ length: count }, (_, index): ClusterObject => {
    return { apiVersion, kind: 'Capability', metadata: { name: `c${index}`, namespace }, spec };
  });
  await cluster.apply(capabilities);
  const before = await cluster.requests('', 'apps');
  const { time, heapBefore } = await side.settle({ namespace, count });
  const created = await cluster.requests('', 'apps');
  const heap = ((await side.heap()) - heapBefore) / count;
  const ready = await measureReady(cluster, { namespace, apiVersion, count, samples });
  const restored = await measureRestored(cluster, { namespace, samples });
  const former = await side.passes();
  const quiet = await cluster.requests('', 'apps');
  // A change that triggers a pass with the same result.
  const label = { metadata: { labels: { seen: 'again' } } };
  await cluster.each(capabilities, (capability) => cluster.user.edit(capability, label));
  while ((await side.passes()) < former + count) await sleep(10);
  const done = await cluster.requests('', 'apps');
  await side.stop();
  if (!isCounted) return;
  found.rate.push((count * 1_000) / time);
  found.writes.push(writesIn(difference(created, before)) / (count * dependents));
  found.rewrites.push(writesIn(difference(done, quiet)) / (count * dependents));
  found.heap.push(heap);
  found.ready.push(...ready);
  found.slowestReady.push(Math.max(...ready));
  found.restored.push(...restored);
  found.slowestRestored.push(Math.max(...restored));
}

/** Makes the StatefulSets ready. Returns the times until the capabilities of some of them were, in milliseconds. */
async function measureReady(
  cluster: BenchCluster,
  { namespace, apiVersion, count, samples }: { namespace: string; apiVersion: string; count: number; samples: number },
): Promise<number[]> {
  const path = `/apis/${apiVersion}/namespaces/${namespace}/capabilitys`;
  await using watch = await ClusterWatch.start(cluster.kubeconfig, path, (_, { metadata, status }) => {
    const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
    return isReady ? metadata.name : undefined;
  });
  const status = { observedGeneration: 1, replicas: 1, readyReplicas: 1, currentReplicas: 1, updatedReplicas: 1 };
  const run = async (index: number) => {
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: `c${index}-db`, namespace } };
    await cluster.user.edit(set, { status }, 'status');
    const writtenAt = sharedNow();
    return (await watch.seen(`c${index}`)) - writtenAt;
  };
  const times: number[] = [];
  for (let index = 0; index < samples; index++) times.push(await run(index));
  await cluster.each(
    Array.from({ length: count - samples }, (_, index) => index + samples),
    run,
  );
  return times;
}

/** Deletes dependents. Returns the times until they existed again, in milliseconds. */
async function measureRestored(
  cluster: BenchCluster,
  { namespace, samples }: { namespace: string; samples: number },
): Promise<number[]> {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const additions = new Map<string, number>();
  await using watch = await ClusterWatch.start(cluster.kubeconfig, path, (type, { metadata: { name } }) => {
    if (type !== 'ADDED') return undefined;
    const count = (additions.get(name) ?? 0) + 1;
    additions.set(name, count);
    return `${name}/${count}`;
  });
  const times: number[] = [];
  for (let index = 0; index < samples; index++) {
    const name = `c${index}-db`;
    await watch.seen(`${name}/1`);
    await cluster.user.delete({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } });
    const deletedAt = sharedNow();
    times.push((await watch.seen(`${name}/2`)) - deletedAt);
  }
  return times;
}

/** Counts the writes of dependents. */
function writesIn(counts: RequestCounts): number {
  const kinds = ['secrets', 'configmaps', 'services', 'statefulsets'];
  const writes = [...counts].filter(([name]) => {
    const [verb = '', resource = ''] = name.split(' ');
    return kinds.includes(resource) && !['GET', 'LIST', 'WATCH'].includes(verb);
  });
  return writes.reduce((total, [, count]) => total + count, 0);
}

function noRounds(): CapabilityRounds {
  return {
    rate: [],
    writes: [],
    rewrites: [],
    ready: [],
    slowestReady: [],
    restored: [],
    slowestRestored: [],
    heap: [],
  };
}

class OurSide implements Side {
  readonly group = 'kplug.bench.example.org';
  readonly found = noRounds();
  readonly #cluster: BenchCluster;
  readonly #operator = new Child<CapabilityOperatorCommands>(
    new URL('../processes/capability-operator.ts', import.meta.url),
    { execArgv: ['--expose-gc'] },
  );
  readonly #plugin = new Child<CapabilityPluginCommands>(new URL('../processes/capability-plugin.ts', import.meta.url));

  constructor(cluster: BenchCluster) {
    this.#cluster = cluster;
  }

  async settle({ namespace }: { namespace: string }): Promise<{ time: number; heapBefore: number }> {
    const { kubeconfig } = this.#cluster;
    await this.#plugin.ask('serve', await this.#operator.ask('start', { kubeconfig, namespace }));
    await this.#operator.ask('registered');
    const heapBefore = await this.heap();
    const { time } = await this.#operator.ask('settle');
    return { time, heapBefore };
  }

  heap(): Promise<number> {
    return this.#operator.ask('heap');
  }

  async passes(): Promise<number> {
    await this.#operator.ask('whenIdle');
    return this.#plugin.ask('calls');
  }

  async stop(): Promise<void> {
    await this.#plugin.ask('stop');
    await this.#operator.ask('stop');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#operator[Symbol.asyncDispose]();
    await this.#plugin[Symbol.asyncDispose]();
  }
}

/** Commands of the controller with controller-runtime. */
interface PeerCommands extends Record<string, (argument: never) => unknown> {
  settle(target: { kubeconfig: string; namespace: string; count: number; capabilities: true }): { time: number };
  passes(): number;
  heap(): number;
  stop(): void;
}

class PeerSide implements Side {
  readonly group = 'controller-runtime.bench.example.org';
  readonly found = noRounds();
  readonly #cluster: BenchCluster;
  readonly #peer: Child<PeerCommands>;

  constructor(cluster: BenchCluster, program: { program: string }) {
    this.#cluster = cluster;
    this.#peer = new Child(program);
  }

  async settle({ namespace, count }: { namespace: string; count: number }) {
    const { kubeconfig } = this.#cluster;
    const heapBefore = await this.heap();
    const { time } = await this.#peer.ask('settle', { kubeconfig, namespace, count, capabilities: true });
    return { time, heapBefore };
  }

  heap(): Promise<number> {
    return this.#peer.ask('heap');
  }

  async passes(): Promise<number> {
    for (let before = -1; ; await sleep(200)) {
      const now = await this.#peer.ask('passes');
      if (now === before) return now;
      before = now;
    }
  }

  stop(): Promise<void> {
    return this.#peer.ask('stop');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
  }
}
