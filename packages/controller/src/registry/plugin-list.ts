import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type PluginInstanceSchema,
  InstanceState as StateMessage,
  type WatchPluginsResponseSchema,
} from '@kplug/protocol';
import { PluginName } from '../names.ts';
import type { Instance, InstanceState } from './instance.ts';
import type { Registry } from './registry.ts';

/** Filter of instances; an empty field matches all. */
export interface PluginFilter {
  api: string;
  plugin: string;
}

/** Lists the known instances, by plugin, version and instance id. */
export function listPlugins(registry: Registry, filter: PluginFilter): MessageInitShape<typeof PluginInstanceSchema>[] {
  return [...registry.instances()]
    .filter((instance) => matches(instance, filter))
    .sort(byName)
    .map(instanceMessage);
}

/** Sends the known instances, `synced`, and then each change. Returns a function that ends the watch. */
export function watchPlugins(
  registry: Registry,
  filter: PluginFilter,
  send: (response: MessageInitShape<typeof WatchPluginsResponseSchema>) => void,
): () => void {
  for (const value of listPlugins(registry, filter)) send({ event: { case: 'instance', value } });
  send({ event: { case: 'synced', value: {} } });
  return registry.subscribe(({ instance }) => {
    if (matches(instance, filter)) send({ event: { case: 'instance', value: instanceMessage(instance) } });
  });
}

const states: Record<InstanceState, StateMessage> = {
  live: StateMessage.LIVE,
  suspect: StateMessage.SUSPECT,
  draining: StateMessage.DRAINING,
  gone: StateMessage.GONE,
};

function matches({ registration }: Instance, { api, plugin }: PluginFilter): boolean {
  if (api && !registration.apis.some(({ name }) => name === api)) return false;
  return !plugin || new PluginName(plugin).equals(new PluginName(registration.plugin));
}

function byName({ registration: a }: Instance, { registration: b }: Instance): number {
  return (
    a.plugin.localeCompare(b.plugin) || a.version.localeCompare(b.version) || a.instanceId.localeCompare(b.instanceId)
  );
}

function instanceMessage(instance: Instance): MessageInitShape<typeof PluginInstanceSchema> {
  const { registration, state, stateReason, registeredAt, lastHeardAt } = instance;
  const { plugin, version, apis, address, instanceId, protocol, weight, labels, lease } = registration;
  return {
    registration: {
      plugin,
      version,
      address,
      instanceId,
      weight,
      labels,
      apis: apis.map((api) => ({
        name: api.name,
        version: api.version.version,
        extensionKinds: [...api.extensionKinds],
        capabilities: api.capabilities,
      })),
    },
    state: states[state],
    stateReason,
    registeredAt: timestampFromMs(registeredAt),
    lastHeardAt: timestampFromMs(lastHeardAt),
    lease: { interval: durationFromMs(lease.interval), ttl: durationFromMs(lease.ttl) },
    protocol,
  };
}
