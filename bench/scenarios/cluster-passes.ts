import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterObject } from '@kplug/testing/control-plane';
import { Child } from '../child.ts';
import { type BenchCluster, difference, type RequestCounts } from '../cluster.ts';
import type { ClusterOperatorCommands, ClusterTarget } from '../processes/cluster-operator.ts';
import type { PluginCommands } from '../processes/plugin.ts';
import { define, type Kinds, kindsOf, makeTables, verify } from './cluster-tables.ts';

/** Commands of the controller with controller-runtime. */
interface PeerCommands extends Record<string, (argument: never) => unknown> {
  settle(target: ClusterTarget & { plugin: string; count: number }): { time: number; cpu: number };
  passes(): number;
  stop(): void;
}

/** Measurements of one side, by round. */
export interface SideRounds {
  /** First passes per second. */
  rate: number[];
  /** CPU time of the controller for each first pass, in microseconds. */
  cpu: number[];
  /** Requests for each first pass. */
  first: Requests[];
  /** Requests for each pass without changes. */
  unchanged: Requests[];
}

/** Number of requests for a pass. */
export interface Requests {
  writes: number;
  reads: number;
  events: number;
}

/** Controller under comparison. */
interface Side extends AsyncDisposable {
  readonly kinds: Kinds;
  readonly found: Record<keyof PassesFound, SideRounds>;
  /** Makes the first pass of each table. */
  settle(run: Run): Promise<{ time: number; cpu: number }>;
  /** Waits for the end of a number of further passes. */
  passed(count: number): Promise<void>;
  stop(): Promise<void>;
}

interface Run {
  namespace: string;
  count: number;
  finalizer: boolean;
}

/** Measurements without a finalizer (only the two statuses) and with one. */
export type PassesFound = Record<'bare' | 'finalized', { ours: SideRounds; peer: SideRounds | undefined }>;

interface PassesOptions {
  count: number;
  rounds: number;
  /** Adds a first round for the compilers, which is not counted. */
  isWarm: boolean;
  peer: { program: string } | undefined;
}

/** Measures Kplug's operator and its peer in turn, each on new resources. */
export async function measurePasses(
  cluster: BenchCluster,
  { count, rounds, isWarm, peer }: PassesOptions,
  progress: (doing: string) => void,
): Promise<PassesFound> {
  await using ours = new OurSide(cluster);
  await using theirs = peer && new PeerSide(cluster, peer);
  const sides = theirs ? [ours, theirs] : [ours];
  for (const { kinds } of sides) await define(cluster, kinds);
  if (isWarm) {
    progress('warming up');
    await takeTurns(cluster, sides, { count: Math.min(count, 200), isCounted: false });
  }
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`);
    // The order alternates, as the API server does deferred work.
    await takeTurns(cluster, round % 2 === 0 ? sides : sides.toReversed(), { count, isCounted: true });
  }
  const both = (key: keyof PassesFound) => ({ ours: ours.found[key], peer: theirs?.found[key] });
  return { bare: both('bare'), finalized: both('finalized') };
}

async function takeTurns(
  cluster: BenchCluster,
  sides: readonly Side[],
  options: { count: number; isCounted: boolean },
): Promise<void> {
  for (const finalizer of [false, true]) {
    for (const side of sides) await turn(cluster, side, { ...options, finalizer });
  }
}

async function turn(
  cluster: BenchCluster,
  side: Side,
  { count, finalizer, isCounted }: { count: number; finalizer: boolean; isCounted: boolean },
): Promise<void> {
  const { kinds } = side;
  const found = side.found[finalizer ? 'finalized' : 'bare'];
  const namespace = await cluster.user.namespace();
  const tables = await makeTables(cluster, kinds, { namespace, count });
  const before = await cluster.requests(kinds.group);
  const { time, cpu } = await side.settle({ namespace, count, finalizer });
  await eventsWritten(cluster, namespace);
  const settled = await cluster.requests(kinds.group);
  // A change that triggers a call with the same response.
  const label = { metadata: { labels: { seen: 'again' } } };
  await cluster.each(tables, (table: ClusterObject) => cluster.user.edit(table, label));
  await side.passed(count);
  await eventsWritten(cluster, namespace);
  const done = await cluster.requests(kinds.group);
  await verify(cluster, kinds, { namespace, count });
  await side.stop();
  if (!isCounted) return;
  found.rate.push((count * 1_000) / time);
  found.cpu.push((cpu * 1_000) / count);
  found.first.push(requestsOf(difference(settled, before), 0, count));
  found.unchanged.push(requestsOf(difference(done, settled), count, count));
}

/** Waits until no more Events are written, which happens after the passes. */
async function eventsWritten(cluster: BenchCluster, namespace: string): Promise<void> {
  const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events?limit=1`;
  const count = async () => {
    const { items, metadata } = await cluster.user.request<EventList>('GET', path);
    return items.length + (metadata.remainingItemCount ?? 0);
  };
  for (let before = -1, now = await count(); now !== before; now = await count()) {
    before = now;
    await sleep(200);
  }
}

interface EventList {
  items: unknown[];
  metadata: { remainingItemCount?: number };
}

/** Counts the requests of passes, without lists and watches, which fill caches, and without the `edits` of the benchmark. */
function requestsOf(counts: RequestCounts, edits: number, passes: number): Requests {
  const sum = (isMeant: (verb: string, resource: string) => boolean) => {
    const of = [...counts].filter(([name]) => {
      const [verb = '', resource = ''] = name.split(' ');
      return isMeant(verb, resource);
    });
    return of.reduce((total, [, count]) => total + count, 0);
  };
  const isWrite = (verb: string) => !['GET', 'LIST', 'WATCH'].includes(verb);
  return {
    writes: (sum((verb, resource) => isWrite(verb) && resource !== 'events') - edits) / passes,
    reads: sum((verb, resource) => verb === 'GET' && resource !== 'events') / passes,
    events: sum((verb, resource) => isWrite(verb) && resource === 'events') / passes,
  };
}

function noRounds(): Side['found'] {
  const none: SideRounds = { rate: [], cpu: [], first: [], unchanged: [] };
  return { bare: structuredClone(none), finalized: none };
}

class OurSide implements Side {
  readonly kinds = kindsOf('kplug');
  readonly found = noRounds();
  readonly #cluster: BenchCluster;
  readonly #operator = new Child<ClusterOperatorCommands>(new URL('../processes/cluster-operator.ts', import.meta.url));
  readonly #plugin = new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
  #calls = 0;

  constructor(cluster: BenchCluster) {
    this.#cluster = cluster;
  }

  async settle({ namespace, count, finalizer }: Run): Promise<{ time: number; cpu: number }> {
    const { kubeconfig } = this.#cluster;
    const controller = await this.#operator.ask('start', { kubeconfig, namespace, finalizer });
    await this.#plugin.ask('serve', { controller, name: 'Preferred', instanceId: namespace, reporting: true });
    await this.#operator.ask('registered', namespace);
    const took = await this.#operator.ask('settle', { count });
    this.#calls = await this.#plugin.ask('calls');
    return took;
  }

  async passed(count: number): Promise<void> {
    while ((await this.#plugin.ask('calls')) < this.#calls + count) await sleep(10);
    await this.#operator.ask('whenIdle');
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

class PeerSide implements Side {
  readonly kinds = kindsOf('controller-runtime');
  readonly found = noRounds();
  readonly #cluster: BenchCluster;
  readonly #peer: Child<PeerCommands>;
  readonly #plugin = new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
  #address = '';
  #passes = 0;

  constructor(cluster: BenchCluster, program: { program: string }) {
    this.#cluster = cluster;
    this.#peer = new Child(program);
  }

  async settle({ namespace, count, finalizer }: Run): Promise<{ time: number; cpu: number }> {
    const { kubeconfig } = this.#cluster;
    this.#address ||= await this.#serve();
    const plugin = this.#address;
    const took = await this.#peer.ask('settle', { kubeconfig, namespace, plugin, count, finalizer });
    this.#passes = await this.#peer.ask('passes');
    return took;
  }

  async passed(count: number): Promise<void> {
    while ((await this.#peer.ask('passes')) < this.#passes + count) await sleep(10);
  }

  async stop(): Promise<void> {
    await this.#peer.ask('stop');
  }

  /** The plugin sends no heartbeats; this controller is configured with its address. */
  #serve(): Promise<string> {
    const controller = '127.0.0.1:9';
    return this.#plugin.ask('serve', { controller, name: 'Preferred', instanceId: 'preferred', reporting: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
    await this.#plugin[Symbol.asyncDispose]();
  }
}
