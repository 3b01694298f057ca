import { Child } from '../child.ts';
import type { BenchCluster } from '../cluster.ts';
import type { ClusterOperatorCommands } from '../processes/cluster-operator.ts';
import type { PluginCommands } from '../processes/plugin.ts';
import { define, kindsOf, makeTables } from './cluster-tables.ts';

/**
 * Measures the time from the registration of a new plugin, which all tables prefer, to its first call, by round. In milliseconds.
 */
export async function measureSwap(
  cluster: BenchCluster,
  { count, rounds }: { count: number; rounds: number },
  progress: (doing: string) => void,
): Promise<number[]> {
  const kinds = kindsOf('kplug');
  await define(cluster, kinds);
  const namespace = await cluster.user.namespace();
  progress(`${count.toLocaleString('en')} tables go to a plugin that comes`);
  await makeTables(cluster, kinds, { namespace, count });
  await using operator = new Child<ClusterOperatorCommands>(
    new URL('../processes/cluster-operator.ts', import.meta.url),
  );
  await using fallback = new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
  const { kubeconfig } = cluster;
  const controller = await operator.ask('start', { kubeconfig, namespace, finalizer: true });
  await fallback.ask('serve', { controller, name: 'Fallback', instanceId: 'fallback', reporting: true });
  await operator.ask('registered', 'fallback');
  await operator.ask('settle', { count });
  const found: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using preferred = new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
    const instanceId = `preferred-${round}`;
    const identity = { controller, name: 'Preferred', instanceId };
    await preferred.ask('serve', { ...identity, reporting: true, recording: true });
    const registeredAt = await operator.ask('registered', instanceId);
    await operator.ask('whenIdle');
    const calls = (await preferred.ask('arrivals')).map(({ at }) => at);
    if (calls.length < count) throw new Error(`the plugin was called for ${calls.length} of ${count} tables`);
    found.push(Math.min(...calls) - registeredAt);
    await preferred.ask('stop');
    await operator.ask('whenIdle');
  }
  await operator.ask('stop');
  return found;
}
