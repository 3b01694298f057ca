import { RefusalReason } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import { type Claim, unproven } from '../registry/claim.ts';
import type { Instance } from '../registry/instance.ts';
import { RefusedRegistration } from '../registry/refusal.ts';
import type { Registration } from '../registry/registration.ts';
import type { Registry } from '../registry/registry.ts';
import { ProbeFailure } from './probe-failure.ts';

/** Interval between checks whether a draining instance has in-flight calls, in milliseconds. */
const idleInterval = 100;

const { maxDrainTime } = limits.discovery;

/** Instances in the registry that were found by probes. */
export class ProbedInstances {
  readonly #registry: Registry;
  readonly #inFlight: (instance: Instance) => number;
  /** Instances whose endpoint isn't ready, which may become ready again. */
  readonly #drained = new Set<string>();
  /** Instances to be evicted when they are idle. */
  readonly #leaving = new Map<string, { reason: string; deadline: number }>();
  readonly #evictions = new WorkQueue<string>({
    concurrency: Number.POSITIVE_INFINITY,
    work: async (instanceId) => this.#evictWhenIdle(instanceId),
  });
  /** Instances by the ids that their processes report. */
  readonly #owners = new Map<string, string>();

  /** @param inFlight returns the number of in-flight calls to an instance. */
  constructor(registry: Registry, inFlight: (instance: Instance) => number) {
    this.#registry = registry;
    this.#inFlight = inFlight;
  }

  /**
   * Registers an instance that has answered, or renews its lease. Returns the instance that the same process registered by its own
   * heartbeats, if any, which then takes precedence. Throws a `ProbeFailure`.
   *
   * @param reportedId instance id that the process reports; may be empty.
   */
  register(registration: Registration, reportedId: string): Instance | undefined {
    const { instanceId, address } = registration;
    const selfRegistered = reportedId ? this.#registry.get(reportedId) : undefined;
    if (selfRegistered && !selfRegistered.registration.declaration) {
      this.evict(instanceId, 'it sends heartbeats');
      return selfRegistered;
    }
    this.#claim(reportedId, registration);
    this.#cancelEviction(instanceId);
    try {
      this.#registry.register(registration, claimOf(registration));
    } catch (error) {
      if (!(error instanceof RefusedRegistration)) throw error;
      const reason = error.reason === RefusalReason.CAPACITY ? 'RegistryFull' : 'InstanceKnown';
      throw new ProbeFailure(reason, `the plugin at ${address} is refused: ${error.message}`, { cause: error });
    }
    if (this.#drained.delete(instanceId)) this.#registry.readmit(instanceId);
    return undefined;
  }

  /** Marks an instance as suspect, as it didn't answer. */
  markSuspect(instanceId: string, reason: string): void {
    this.#registry.markSuspect(instanceId, 'Unreachable', reason);
  }

  /** Marks an instance as draining: it gets no new calls until it is registered again. */
  drain(instanceId: string, reason: string): void {
    const known = this.#registry.get(instanceId);
    if (!known?.registration.declaration) return;
    this.#drained.add(instanceId);
    this.#registry.markDraining(instanceId, reason);
    // Renews the lease, so that in-flight calls aren't cut off.
    this.#registry.register(known.registration, claimOf(known.registration));
  }

  /** Marks an instance as draining, and removes it when its in-flight calls have ended. */
  drainAndEvict(instanceId: string, reason: string): void {
    this.drain(instanceId, reason);
    this.#leaving.set(instanceId, { reason, deadline: performance.now() + maxDrainTime });
    this.#evictions.add(instanceId);
  }

  /** Removes an instance immediately. */
  evict(instanceId: string, reason: string): void {
    this.#cancelEviction(instanceId);
    this.#drained.delete(instanceId);
    for (const [reportedId, owner] of this.#owners) if (owner === instanceId) this.#owners.delete(reportedId);
    if (this.#isProbed(instanceId)) this.#registry.evict(instanceId, reason);
  }

  /** Cancels pending evictions. */
  close(): void {
    this.#leaving.clear();
    void this.#evictions.close();
  }

  #evictWhenIdle(instanceId: string): WorkOutcome {
    const leaving = this.#leaving.get(instanceId);
    if (!leaving) return { next: 'done' };
    const instance = this.#registry.get(instanceId);
    const isBusy = instance && this.#inFlight(instance) > 0 && performance.now() < leaving.deadline;
    if (isBusy) return { next: 'again', after: idleInterval };
    this.evict(instanceId, leaving.reason);
    return { next: 'done' };
  }

  #isProbed(instanceId: string): boolean {
    return this.#registry.get(instanceId)?.registration.declaration !== undefined;
  }

  #cancelEviction(instanceId: string): void {
    this.#leaving.delete(instanceId);
    this.#evictions.remove(instanceId);
  }

  /** Ensures that a process found at several addresses, such as an IPv4 and an IPv6 one, is registered at the first only. */
  #claim(reportedId: string, { instanceId, address }: Registration): void {
    if (!reportedId) return;
    const owner = this.#owners.get(reportedId);
    const known = owner === undefined || owner === instanceId ? undefined : this.#registry.get(owner);
    if (!known) {
      this.#owners.set(reportedId, instanceId);
      return;
    }
    const where = `${known.registration.address} (${owner})`;
    const message =
      `the plugin at ${address} reports the instance id "${reportedId}", which the plugin at ${where} reports too; ` +
      'if they are two processes, give each a unique id (KPLUG_INSTANCE_ID)';
    throw new ProbeFailure('InstanceKnown', message);
  }
}

/** Returns the claim to a declared instance: its declaration, which only those write who may declare plugins. */
function claimOf({ declaration }: Registration): Claim {
  if (!declaration) return unproven;
  return { identity: { kind: 'declaration', namespace: declaration.namespace, name: declaration.name } };
}
