import type { Registration as RegistrationMessage } from '@kplug/protocol';
import { RefusalReason } from '@kplug/protocol';
import type { Attachments } from '../attachments/attachments.ts';
import type { Proof } from '../authentication/authenticator.ts';
import { type Identity, ownerOf } from '../registry/identity.ts';
import type { Instance, Session } from '../registry/instance.ts';
import { isUnchanged, type RegistrationReader } from '../registry/read-registration.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Registration } from '../registry/registration.ts';
import type { Registry } from '../registry/registry.ts';
import type { PodNetwork } from '../resources/services/pod-network.ts';
import type { Admission } from './admission.ts';
import { checkPodAddress } from './check-pod-address.ts';
import { type Call, claimOf, type Gate } from './gate.ts';

/** Instance that was registered, with the proof of its identity. */
export interface Registered {
  instance: Instance;
  proof: Proof;
  /** Secret of the instance, for the one response that brings it. */
  secret: string | undefined;
}

/** Parts of the registration of instances. */
export interface RegistrarParts {
  registry: Registry;
  reader: RegistrationReader;
  gate: Gate;
  admission: Admission;
  /** Attachments, whose plugins are reached by their tunnels. Default: none. */
  attachments?: Attachments | undefined;
  /** Addresses of pods, on a cluster. */
  podNetwork?: PodNetwork | undefined;
}

/** Registers instances: identifies the caller, reads the registration, and checks that the identity may make it. */
export class Registrar {
  readonly #parts: RegistrarParts;

  constructor(parts: RegistrarParts) {
    this.#parts = parts;
  }

  /**
   * Registers an instance, or renews the lease of a known one. Rejects with `RefusedRegistration`.
   *
   * @param peer returns the host that the message came from. It is slow in grpc-js, and not needed for an unchanged registration.
   */
  async register(message: RegistrationMessage, call: Call, peer: () => string, session?: Session): Promise<Registered> {
    const { registry, gate } = this.#parts;
    const proving = gate.prove(call, message.instanceId);
    const proof = proving instanceof Promise ? await proving : proving;
    const claim = claimOf(proof, call);
    const known = registry.get(message.instanceId);
    // The host of an unreachable instance may resolve to another address by now.
    const isSame = known !== undefined && known.state !== 'suspect' && isUnchanged(message, known.registration);
    const registration = isSame ? known.registration : await this.#read(message, peer(), proof.identity);
    const holder = known ? '' : holderOf(proof.identity, peer);
    const instance = registry.register(registration, claim, session, holder);
    return { instance, proof, secret: registry.issueSecret(message.instanceId) };
  }

  /** Marks an instance as draining at the request of its owner. Rejects with `RefusedRegistration`. */
  async deregister(instanceId: string, call: Call): Promise<void> {
    const { registry, gate } = this.#parts;
    registry.deregister(instanceId, claimOf(await gate.prove(call, instanceId), call));
  }

  async #read(message: RegistrationMessage, peer: string, identity: Identity): Promise<Registration> {
    const { reader, admission, attachments } = this.#parts;
    // The address of an attached plugin is that on its own machine.
    const isAttached = identity.kind === 'attachment';
    const isHosted = identity.kind === 'folder' || isAttached;
    const registration = reader.read(message, peer, isHosted);
    const refusal = admission(registration, identity);
    if (refusal !== undefined) throw new RefusedRegistration(RefusalReason.FORBIDDEN, refusal);
    if (isAttached && attachments) return attachments.admit(registration, identity);
    // Only for those who may register: a look-up tells others which names exist.
    const target = await reader.resolveAddress(registration.address, peer, isHosted);
    const resolved = target === registration.address ? registration : { ...registration, target };
    if (identity.kind !== 'serviceaccount' || !identity.pod) return resolved;
    await checkPodAddress(resolved, identity, peer, this.#parts.podNetwork);
    // A pod is followed to know when an instance ends; a proven one can't be that of another instance.
    return { ...resolved, pod: { namespace: identity.namespace, name: identity.pod.name } };
  }
}

/** Key by which the memory of registrations is bounded: the identity where it is proven, else the host. Own processes have no bound. */
function holderOf(identity: Identity, peer: () => string): string {
  if (identity.kind === 'folder') return '';
  return identity.kind === 'loopback' || identity.kind === 'anonymous' ? peer() : ownerOf(identity);
}
