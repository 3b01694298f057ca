import { isIP } from 'node:net';
import type { ClusterReader, LoggedPod } from '@kplug/controller/tools';
import type { PluginInstance } from '@kplug/protocol';

/** Finds the pods of instances: those with the address of an instance, and the name that it reported, if it did. */
export async function findPods(reader: ClusterReader, instances: readonly PluginInstance[]): Promise<LoggedPod[]> {
  const found = new Map<string, LoggedPod>();
  for (const instance of instances) {
    for (const pod of await podsOf(reader, instance)) found.set(`${pod.namespace}/${pod.name}`, pod);
  }
  return [...found.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

async function podsOf(reader: ClusterReader, { registration, identity }: PluginInstance): Promise<LoggedPod[]> {
  const { address = '', pod } = registration ?? {};
  const host = hostOf(address);
  const namespace = pod?.namespace ?? /^serviceaccount:([^/]+)\//.exec(identity)?.[1];
  // A plugin can report any pod as its own; the pods of others have other addresses.
  if (isIP(host) === 0) return [];
  const atAddress = await reader.podsWith(`status.podIP=${host}`, namespace);
  return atAddress.filter(({ name }) => pod === undefined || name === pod.name);
}

/** Returns the host of `host:port` or `[ipv6]:port`. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function keyOf({ namespace, name }: LoggedPod): string {
  return `${namespace}/${name}`;
}
