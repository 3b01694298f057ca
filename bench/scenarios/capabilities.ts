import { BenchCluster } from '../cluster.ts';
import { buildPeer } from '../peers/build-peer.ts';
import type { Comparison, Goal, Report } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median, medianRatio } from '../statistics.ts';
import { type CapabilityRounds, measureCapabilities } from './capability-rounds.ts';

/** Cost of capabilities with dependents on a real API server. */
export const capabilities: Scenario = {
  name: 'capabilities',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const count = quick ? 20 : 1_000;
    const samples = quick ? 5 : 100;
    const peer = await buildPeer(progress);
    if (!peer) progress('Go is not installed; skipping the peer');
    await using cluster = await BenchCluster.start(progress);
    const rounds = quick ? 1 : 3;
    const found = await measureCapabilities(cluster, { count, samples, rounds, isWarm: !quick, peer }, progress);
    return {
      name: 'capabilities',
      title: 'Capabilities',
      method: `A real API server, etcd, the plugin and the controller share the same CPUs. A controller starts with
${count.toLocaleString('en')} new capabilities, and creates five dependents for each: a Secret with a generated password, a ConfigMap, two
Services and a StatefulSet, each when the one before it is ready. Then the status of each StatefulSet says that it is ready, and the capability
becomes ready. The times are those of ${samples} capabilities, one after another; a watch of the benchmark sees the changes. Kplug's operator calls a
plugin in another process, twice for the creation: the second call has the dependents that the first one requested. The peer is a plain
controller in Go with controller-runtime that owns the same objects and builds them in its own process, by \`CreateOrUpdate\`, with 32 workers too
and no client-side rate limit. Both have no finalizer. The heap is measured after a garbage collection, with the caches of all kinds.`,
      comparisons: compare(found.ours, found.peer),
      growth: [],
      notes: [],
    };
  },
};

function compare(ours: CapabilityRounds, peer: CapabilityRounds | undefined): Comparison[] {
  const beside = (what: string, unit: string, key: keyof CapabilityRounds, goal?: Goal): Comparison => ({
    what,
    unit,
    figure: median(ours[key]),
    ...(peer && {
      peer: { what: 'controller-runtime', figure: median(peer[key]) },
      ratio: medianRatio(ours[key], peer[key]),
    }),
    ...(goal && { goal }),
  });
  const counted = (what: string, key: 'writes' | 'rewrites', value: number): Comparison => ({
    what,
    unit: '',
    figure: Math.max(...ours[key]),
    ...(peer && { peer: { what: 'controller-runtime', figure: Math.max(...peer[key]) } }),
    goal: { of: 'figure', is: 'at most', value },
  });
  const below = (value: number): Goal => ({ of: 'figure', is: 'below', value });
  return [
    beside('capabilities whose dependents are created', 'capabilities/s', 'rate'),
    counted('writes for each dependent until then', 'writes', 1),
    counted('writes for each dependent in a pass without changes', 'rewrites', 0),
    beside('from the readiness of the last dependent to that of the capability', 'ms', 'ready', below(100)),
    beside('the slowest of them', 'ms', 'slowestReady'),
    beside('from the deletion of a dependent to its return', 'ms', 'restored', below(200)),
    beside('the slowest of them', 'ms', 'slowestRestored'),
    beside('heap for each capability', 'bytes', 'heap'),
  ];
}
