import { RefusalReason } from '@kplug/protocol';
import { isSameAddress, parseAddress } from '../registry/address.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Registration } from '../registry/registration.ts';
import type { PodNetwork } from '../resources/services/pod-network.ts';

/** Pod that registers an address, if it is known. */
interface PodIdentity {
  namespace: string;
  pod?: { name: string };
}

/**
 * Checks that an address is that of the pod that registers it, or of a Service that selects this pod: a plugin can't have calls sent to
 * others. Rejects with `RefusedRegistration`.
 *
 * @param peer host that the registration came from, which in most networks is the pod's.
 * @param network looks up pods and Services; without it, only the peer's own address is accepted.
 */
export async function checkPodAddress(
  { address, target = address }: Pick<Registration, 'address' | 'target'>,
  { namespace, pod }: PodIdentity,
  peer: string,
  network: PodNetwork | undefined,
): Promise<void> {
  if (!pod) return;
  const { host = '' } = parseAddress(target) ?? {};
  const isTarget = (ip: string) => isSameAddress(`${bracketed(ip)}:1`, `${bracketed(host)}:1`);
  if (isTarget(peer)) return;
  const own = (await network?.addressesOf(namespace, pod.name)) ?? [];
  if (own.some(isTarget)) return;
  throw new RefusedRegistration(
    RefusalReason.ADDRESS_NOT_ALLOWED,
    `address "${address}" is not allowed: it is neither that of the pod ${namespace}/${pod.name} nor that of a Service that selects it; ` +
      'register one of these; the SDK registers that of the pod if KPLUG_ADDRESS is unset',
  );
}

function bracketed(ip: string): string {
  return ip.includes(':') ? `[${ip}]` : ip;
}
