import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type PluginInstanceSchema, InstanceState as StateMessage } from '@kplug/protocol';
import { ownerOf } from './identity.ts';
import type { Instance, InstanceState } from './instance.ts';

const states: Record<InstanceState, StateMessage> = {
  live: StateMessage.LIVE,
  suspect: StateMessage.SUSPECT,
  draining: StateMessage.DRAINING,
  gone: StateMessage.GONE,
};

/** Returns the state of an instance as a message of the protocol. */
export function instanceMessage(instance: Instance): MessageInitShape<typeof PluginInstanceSchema> {
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
    identity: ownerOf(instance.identity),
    encrypted: registration.certificate !== undefined,
  };
}
