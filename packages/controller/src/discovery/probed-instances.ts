import { RefusalReason } from '@kplug/protocol';
import type { Instance } from '../registry/instance.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Registration } from '../registry/registration.ts';
import type { Registry } from '../registry/registry.ts';
import { ProbeFailure } from './probe-failure.ts';

/** How often is looked whether an instance that is to go has calls under way, in milliseconds. */
const idleCheck = 100;

/** The longest that calls under way are waited for, in milliseconds. */
const longestDrain = 600_000;

/** The instances in the registry that were found by asking. */
export class ProbedInstances {
  readonly #registry: Registry;
  readonly #inFlight: (instance: Instance) => number;
  /** Those that get no new calls because we said so, which may come back. */
  readonly #drained = new Set<string>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  /** By the ids that processes give themselves, the addresses that they were first found at. */
  readonly #addresses = new Map<string, string>();

  constructor(registry: Registry, inFlight: (instance: Instance) => number) {
    this.#registry = registry;
    this.#inFlight = inFlight;
  }

  /**
   * Registers an instance that has just answered, or hears it. Returns the one that it is known as when it beats by itself, and is
   * left to that. Throws a `ProbeFailure`.
   *
   * @param givenId the id that the process gives itself; it may give none.
   */
  admit(registration: Registration, givenId: string): Instance | undefined {
    const { instanceId, address } = registration;
    const beating = givenId ? this.#registry.get(givenId) : undefined;
    if (beating && !beating.registration.declaration) {
      this.evict(instanceId, 'it beats by itself');
      return beating;
    }
    this.#claim(givenId, registration);
    this.#stay(instanceId);
    try {
      this.#registry.register(registration);
    } catch (error) {
      if (!(error instanceof RefusedRegistration)) throw error;
      const reason = error.reason === RefusalReason.CAPACITY ? 'RegistryFull' : 'InstanceKnown';
      throw new ProbeFailure(reason, `the plugin at ${address} isn't taken: ${error.message}`, { cause: error });
    }
    if (this.#drained.delete(instanceId)) this.#registry.readmit(instanceId);
    return undefined;
  }

  /** An instance didn't answer. */
  markSuspect(instanceId: string, reason: string): void {
    this.#registry.markSuspect(instanceId, 'Unreachable', reason);
  }

  /** An instance gets no new calls for now. */
  drain(instanceId: string, reason: string): void {
    const known = this.#registry.get(instanceId);
    if (!known?.registration.declaration) return;
    this.#drained.add(instanceId);
    this.#registry.deregister(instanceId, reason);
    // It is there still, with the calls that it is at.
    this.#registry.register(known.registration);
  }

  /** Lets an instance go when the calls under way have ended. */
  leave(instanceId: string, reason: string): void {
    this.drain(instanceId, reason);
    this.#stay(instanceId);
    const deadline = performance.now() + longestDrain;
    const check = () => {
      const instance = this.#registry.get(instanceId);
      if (instance && this.#inFlight(instance) > 0 && performance.now() < deadline) return;
      this.evict(instanceId, reason);
    };
    this.#leaving.set(instanceId, setInterval(check, idleCheck).unref());
    check();
  }

  /** Lets an instance go at once, as what answers isn't it. */
  evict(instanceId: string, reason: string): void {
    this.#stay(instanceId);
    this.#drained.delete(instanceId);
    for (const [givenId, owner] of this.#addresses) if (owner === instanceId) this.#addresses.delete(givenId);
    if (this.#isOurs(instanceId)) this.#registry.evict(instanceId, reason);
  }

  /** Waits for no more calls to end. */
  close(): void {
    for (const timer of this.#leaving.values()) clearInterval(timer);
    this.#leaving.clear();
  }

  #isOurs(instanceId: string): boolean {
    return this.#registry.get(instanceId)?.registration.declaration !== undefined;
  }

  #stay(instanceId: string): void {
    clearInterval(this.#leaving.get(instanceId));
    this.#leaving.delete(instanceId);
  }

  /** One process may be found at several addresses, such as an IPv4 and an IPv6 one. It is called at the first. */
  #claim(givenId: string, { instanceId, address }: Registration): void {
    if (!givenId) return;
    const owner = this.#addresses.get(givenId);
    const known = owner === undefined || owner === instanceId ? undefined : this.#registry.get(owner);
    if (!known) {
      this.#addresses.set(givenId, instanceId);
      return;
    }
    const where = `${known.registration.address} (${owner})`;
    const message =
      `the plugin at ${address} gives the instance id "${givenId}" of the one at ${where}; ` +
      'if they are two processes, give each an id of its own (KPLUG_INSTANCE_ID)';
    throw new ProbeFailure('InstanceKnown', message);
  }
}
