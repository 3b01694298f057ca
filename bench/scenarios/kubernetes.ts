import { BenchCluster } from '../cluster.ts';
import { buildPeer } from '../peers/build-peer.ts';
import type { Comparison, Report } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median, medianRatio } from '../statistics.ts';
import { type CacheRounds, measureCaches, objectSize } from './cluster-cache.ts';
import { measurePasses, type PassesFound, type Requests, type SideRounds } from './cluster-passes.ts';
import { measureSwap } from './cluster-swap.ts';

/** Cost of passes, caches and a change of plugins with a real API server. */
export const kubernetes: Scenario = {
  name: 'kubernetes',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const tables = quick ? 20 : 1_000;
    const objects = quick ? 200 : 10_000;
    const peer = await buildPeer(progress);
    if (!peer) progress('Go is not installed; skipping the peer');
    await using cluster = await BenchCluster.start(progress);
    const passes = await measurePasses(
      cluster,
      { count: tables, rounds: quick ? 1 : 2, isWarm: !quick, peer },
      progress,
    );
    const swaps = await measureSwap(cluster, { count: tables, rounds: quick ? 1 : 5 }, progress);
    const caches = await measureCaches(cluster, { count: objects, rounds: quick ? 1 : 3 }, progress);
    return {
      name: 'kubernetes',
      title: 'On Kubernetes',
      method: `A real API server, etcd, the plugin and the controller share the same CPUs. A controller starts with
${tables.toLocaleString('en')} new tables, each with its own extension, and a plugin that only returns a status for both. Until all tables
are ready, a pass for each writes both statuses, an Event, and a finalizer if the delegation needs one. The peer is a plain controller in Go
with controller-runtime that calls the same plugin with the same payload and writes the same, by merge patches, with 32 workers too and no
client-side rate limit. The two are measured in alternation, each with new resources. The API server counts the requests; the maximum over
the rounds is reported, without the requests that fill the caches. A change of a label triggers a pass without changes.

Each cache is filled in its own process, with ${objects.toLocaleString('en')} objects of ${objectSize} bytes, including managed fields. The heap
is measured after a garbage collection.`,
      comparisons: [
        ...comparePasses(passes),
        ...compareCaches(caches, objects),
        {
          what: `new preferred plugin with ${tables.toLocaleString('en')} tables: from registration to first call`,
          unit: 'ms',
          figure: median(swaps),
          goal: { of: 'figure', is: 'below', value: 50 },
        },
      ],
      growth: [],
      notes: peer ? [] : ['The peer of the passes was not measured, as Go is not installed.'],
    };
  },
};

const controllerRuntime = 'controller-runtime';

type Sides = PassesFound[keyof PassesFound];

function comparePasses({ bare, finalized }: PassesFound): Comparison[] {
  const beside = (what: string, unit: string, { ours, peer }: Sides, key: 'rate' | 'cpu'): Comparison => ({
    what,
    unit,
    figure: median(ours[key]),
    ...(peer && {
      peer: { what: controllerRuntime, figure: median(peer[key]) },
      ratio: medianRatio(ours[key], peer[key]),
    }),
  });
  const counted = (
    what: string,
    { ours, peer }: Sides,
    when: 'first' | 'unchanged',
    key: keyof Requests,
  ): Comparison => {
    const most = (found: SideRounds) => Math.max(...found[when].map((requests) => requests[key]));
    const beside = peer && { peer: { what: controllerRuntime, figure: most(peer) } };
    return { what, unit: 'requests', figure: most(ours), ...beside };
  };
  const faster = (comparison: Comparison): Comparison =>
    comparison.peer ? { ...comparison, goal: { of: 'ratio', is: 'at least', value: 1 } } : comparison;
  const atMost = (value: number, comparison: Comparison): Comparison => ({
    ...comparison,
    goal: { of: 'figure', is: 'at most', value },
  });
  return [
    faster(beside('passes that write two statuses', 'passes/s', bare, 'rate')),
    faster(beside('passes that write two statuses and a finalizer', 'passes/s', finalized, 'rate')),
    beside('CPU time: two statuses', 'µs', bare, 'cpu'),
    beside('CPU time: two statuses and a finalizer', 'µs', finalized, 'cpu'),
    atMost(2, counted('writes of resources in a first pass', bare, 'first', 'writes')),
    counted('writes of resources in a first pass, with a finalizer', finalized, 'first', 'writes'),
    atMost(0, counted('reads in a first pass', finalized, 'first', 'reads')),
    counted('Events of a first pass', finalized, 'first', 'events'),
    atMost(0, counted('writes in a pass without changes', finalized, 'unchanged', 'writes')),
    atMost(0, counted('reads in a pass without changes', finalized, 'unchanged', 'reads')),
  ];
}

function compareCaches({ ours, informer }: CacheRounds, objects: number): Comparison[] {
  const beside = (what: string, unit: string, key: 'heap' | 'time'): Comparison => {
    const [figures, peers] = [ours.map((cost) => cost[key]), informer.map((cost) => cost[key])];
    const peer = { what: "client-node's informer", figure: median(peers) };
    return { what, unit, figure: median(figures), peer, ratio: medianRatio(figures, peers) };
  };
  return [
    { ...beside('heap for each cached object', 'bytes', 'heap'), goal: { of: 'ratio', is: 'at most', value: 0.5 } },
    {
      ...beside(`time to cache ${objects.toLocaleString('en')} objects`, 'ms', 'time'),
      goal: { of: 'figure', is: 'below', value: 2_000 },
    },
  ];
}
