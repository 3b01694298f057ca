import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type PluginInstanceSchema, InstanceState as StateMessage } from '@kplug/protocol';
import { ownerOf } from './identity.ts';
import type { Instance, InstanceState, SuspectReason } from './instance.ts';

const states: Record<InstanceState, StateMessage> = {
  live: StateMessage.LIVE,
  suspect: StateMessage.SUSPECT,
  draining: StateMessage.DRAINING,
  gone: StateMessage.GONE,
};

/** Message of the protocol about an instance. */
export type InstanceMessage = MessageInitShape<typeof PluginInstanceSchema>;

/**
 * Returns the state of an instance as a message for other plugins. It has no text of a failed connection: that would tell whoever
 * registers an address what answers there.
 */
export function publicInstanceMessage(instance: Instance): InstanceMessage {
  const { suspectReason } = instance;
  const { registration, ...message } = instanceMessage(instance);
  const { pod: _, ...own } = registration;
  return { ...message, registration: own, ...(suspectReason && { stateReason: publicReasons[suspectReason] }) };
}

const publicReasons: Record<SuspectReason, string> = {
  StreamBroken: 'its session or the connection to it broke',
  Unreachable: 'it is unreachable or not serving',
};

/** Returns the state of an instance as a message of the protocol. */
export function instanceMessage(instance: Instance) {
  const { registration, state, stateReason, registeredAt, lastHeardAt } = instance;
  const { plugin, version, apis, address, instanceId, protocol, weight, labels, lease, pod } = registration;
  return {
    registration: {
      plugin,
      version,
      address,
      instanceId,
      weight,
      labels,
      ...(pod && { pod }),
      apis: apis.map((api) => ({
        name: api.name,
        version: api.version.version,
        extensionKinds: [...api.extensionKinds],
        capabilities: api.capabilities,
        provides: api.provides.map(({ versions, ...rest }) => ({ ...rest, versions: [...versions] })),
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
