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
    if (!peer) progress('there is no Go, so the peer that is written in it is left out');
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
      method: `A real API server, which like etcd, the plugin and the controller runs on the same processors. A controller finds
${tables.toLocaleString('en')} tables, each with an extension of its own, that no controller has seen yet, and a plugin that only returns
a status for both. Until all are ready, a pass over each writes the status of both, an Event, and a finalizer where the delegation
needs one. The peer is a straightforward controller in Go with controller-runtime that calls the same plugin with the same
payload and writes the same, by merge patches, with 32 workers as well and no limit of its own on requests. The two take turns on
new resources. Requests are counted by the API server, in the worst round; what fills the caches is left out. A pass that changes
nothing follows a new label.

Caches are filled in a process of their own each, with ${objects.toLocaleString('en')} objects of ${objectSize} bytes, managed fields and all; the heap
is what is in use after a collection.`,
      comparisons: [
        ...comparePasses(passes),
        ...compareCaches(caches, objects),
        {
          what: `a new preferred plugin, from its registration to its first call, with ${tables.toLocaleString('en')} tables`,
          unit: 'ms',
          figure: median(swaps),
          goal: { of: 'figure', is: 'below', value: 50 },
        },
      ],
      growth: [],
      notes: peer ? [] : ['There was no Go to build the controller with that is the peer of the passes.'],
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
    beside('processor time: two statuses', 'µs', bare, 'cpu'),
    beside('processor time: two statuses and a finalizer', 'µs', finalized, 'cpu'),
    atMost(2, counted('writes of resources in a first pass', bare, 'first', 'writes')),
    counted('the same with a finalizer', finalized, 'first', 'writes'),
    atMost(0, counted('reads in a first pass', finalized, 'first', 'reads')),
    counted('Events of a first pass', finalized, 'first', 'events'),
    atMost(0, counted('writes in a pass that changes nothing', finalized, 'unchanged', 'writes')),
    atMost(0, counted('reads in a pass that changes nothing', finalized, 'unchanged', 'reads')),
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
      ...beside(`${objects.toLocaleString('en')} objects are known`, 'ms', 'time'),
      goal: { of: 'figure', is: 'below', value: 2_000 },
    },
  ];
}
