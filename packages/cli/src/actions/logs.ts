import { openClusterReader } from '@kplug/controller/tools';
import type { PluginInstance } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { findPods } from '../logs/find-pods.ts';
import type { LogEntry } from '../logs/log-source.ts';
import { type LogReceiver, readHostedLog } from '../logs/read-hosted-log.ts';
import { readPodLogs } from '../logs/read-pod-logs.ts';
import { AdminClient } from '../operator/admin-client.ts';
import { kubeConfigOf, meansCluster } from '../operator/cluster-choice.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { formatLogDocument, formatLogEntry } from '../output/log-entry.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug logs`. */
export interface LogsOptions extends OperatorChoice {
  follow?: boolean;
  tail: number;
  timestamps?: boolean;
  prefix?: boolean;
  container?: string;
  previous?: boolean;
  output: 'text' | 'json';
}

/** Prints the log of a plugin: the output of hosted processes, else the logs of the pods of its instances. */
export async function logs(plugin: string, options: LogsOptions, terminal: Terminal): Promise<void> {
  const { follow = false, tail } = options;
  const client = await AdminClient.of(options);
  const range = { follow, tail };
  const folder = await client.listHosted();
  const files = folder?.plugins.filter((one) => [one.name, one.plugin].some((name) => isSame(name, plugin))) ?? [];
  const receiver = receiverOf(options, terminal, files.length > 1);
  if (files.length > 0) {
    if (await readHostedLog(client, plugin, range, receiver)) return;
    const advice = 'read the log of the operator, which has its lines, or upgrade the operator';
    throw new CommandError(
      'failed',
      `the operator at ${client.url} is too old to show the output of ${plugin}; ${advice}`,
    );
  }
  const { instances } = await client.listPlugins({ plugin });
  if (instances.length === 0) throw await unknownPlugin(plugin, client);
  if (!meansCluster(options)) throw elsewhere(plugin, instances);
  const reader = await openClusterReader(kubeConfigOf(options));
  try {
    const pods = await findPods(reader, instances);
    if (pods.length === 0) throw withoutPod(plugin, instances, reader.server);
    const { container, previous = false } = options;
    await readPodLogs(reader, pods, { ...range, container, previous }, receiverOf(options, terminal, pods.length > 1));
  } finally {
    await reader.close();
  }
}

function receiverOf(
  { output, timestamps = false, prefix }: LogsOptions,
  { isTerminal, colors, print, say }: Terminal,
  hasSeveral: boolean,
): LogReceiver {
  const options = { timestamps, prefix: prefix ?? hasSeveral, isPlain: isTerminal, colors };
  const format = (entry: LogEntry) => (output === 'json' ? formatLogDocument(entry) : formatLogEntry(entry, options));
  return { print: (entry) => print(format(entry)), say };
}

async function unknownPlugin(plugin: string, client: AdminClient): Promise<CommandError> {
  const { instances } = await client.listPlugins();
  const hosted = (await client.listHosted())?.plugins ?? [];
  const names = [...instances.map(({ registration }) => registration?.plugin ?? ''), ...hosted.map(({ name }) => name)];
  const known = [...new Set(names)].filter(Boolean).sort().join(', ');
  const advice = 'for pods of a plugin that is not registered, use "kubectl logs"';
  const message = `the operator at ${client.url} knows no plugin ${plugin}; ${known ? `it knows ${known}` : 'it knows none'}; ${advice}`;
  return new CommandError('notFound', message);
}

/** Makes the error for a plugin that neither the operator runs nor a cluster, as far as the command knows. */
function elsewhere(plugin: string, instances: readonly PluginInstance[]): CommandError {
  const advice = 'see the terminal or service that started it; for the pods of a cluster, add --cluster or --context';
  return new CommandError(
    'failed',
    `${plugin} at ${addressesOf(instances)} is not run by the operator, which has none of its output; ${advice}`,
  );
}

function withoutPod(plugin: string, instances: readonly PluginInstance[], server: string): CommandError {
  const advice = 'it runs outside of the cluster, or behind a Service; see where it was started, or use "kubectl logs"';
  return new CommandError(
    'notFound',
    `no pod of the cluster at ${server} has the address of ${plugin}, ${addressesOf(instances)}; ${advice}`,
  );
}

/** Largest number of addresses that are named. */
const maxAddresses = 3;

function addressesOf(instances: readonly PluginInstance[]): string {
  const addresses = instances.map(({ registration }) => registration?.address ?? '');
  const more = addresses.length - maxAddresses;
  return [...addresses.slice(0, maxAddresses), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
