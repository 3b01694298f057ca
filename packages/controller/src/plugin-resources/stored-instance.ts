import { limits } from '../limits/limits.ts';
import { parseAddress } from '../registry/address.ts';
import { type Identity, ownerOf, readOwner } from '../registry/identity.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registration } from '../registry/registration.ts';
import { formatTime } from '../resources/conditions.ts';
import { readStrings } from '../resources/read-json.ts';
import type { JsonObject } from '../resources/resource.ts';

const { maxCertificateLength } = limits.pluginResources;

/** An instance that a record lists, in its state at the time of writing. */
export interface StoredInstance {
  registration: Registration;
  /** Milliseconds since the epoch. */
  lastHeardAt: number;
  /** Identity that its owner proved; `undefined` if that is unknown. */
  identity: Identity | undefined;
}

/** Describes an instance in a record. */
export function describeInstance(instance: Instance): JsonObject {
  const { registration, identity, state, stateReason, unserved, lastHeardAt } = instance;
  const { instanceId, address, protocol, weight, labels, lease, pod, certificate, target } = registration;
  return {
    id: instanceId,
    address,
    state,
    protocol,
    ...(stateReason && { reason: stateReason }),
    ...(unserved.size > 0 && { unserved: [...unserved].sort() }),
    lastHeard: formatTime(new Date(lastHeardAt)),
    weight,
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
    interval: lease.interval,
    ttl: lease.ttl,
    ...(pod && { podName: pod.name, podNamespace: pod.namespace }),
    identity: ownerOf(identity),
    ...(identity.kind === 'serviceaccount' && identity.pod && { podUid: identity.pod.uid }),
    ...(target && { target }),
    ...(certificate && { certificate: certificate.length <= maxCertificateLength ? certificate : '' }),
  };
}

/** Reads an instance that a record describes. Returns `undefined` for a malformed one. */
export function readInstance(
  stored: JsonObject,
  { plugin, version, apis }: Pick<Registration, 'plugin' | 'version' | 'apis'>,
): StoredInstance | undefined {
  const { id, address, protocol, weight, labels, interval, ttl, lastHeard, certificate, target } = stored;
  if (typeof id !== 'string' || typeof address !== 'string' || !parseAddress(address)?.host) return undefined;
  // A certificate that was too long to be stored: without it, the instance would be called in plain text.
  if (certificate === '') return undefined;
  const pod = readPod(stored);
  return {
    registration: {
      ...{ plugin, version, apis, address },
      instanceId: id,
      protocol: protocol === 'kplug' ? 'kplug' : 'kplug.v1',
      weight: typeof weight === 'number' ? weight : limits.registry.weight,
      labels: readStrings(labels),
      lease: {
        interval: Number(interval) || limits.registry.leaseInterval,
        ttl: Number(ttl) || limits.registry.leaseTtl,
      },
      ...(pod && { pod }),
      ...(typeof certificate === 'string' && { certificate }),
      ...(typeof target === 'string' && { target }),
    },
    lastHeardAt: Date.parse(String(lastHeard)) || 0,
    identity: readIdentity(stored),
  };
}

function readPod({ podName: name, podNamespace: namespace }: JsonObject): Registration['pod'] {
  return typeof name === 'string' && typeof namespace === 'string' ? { namespace, name } : undefined;
}

function readIdentity({ identity, podName, podUid: uid }: JsonObject): Identity | undefined {
  if (typeof identity !== 'string') return undefined;
  return readOwner(identity, typeof uid === 'string' ? { name: String(podName), uid } : undefined);
}
