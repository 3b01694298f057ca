import { isDeepStrictEqual } from 'node:util';
import { RefusalReason } from '@kplug/protocol';
import { isSameAddress } from './address.ts';
import type { Clock } from './clock.ts';
import { type Implementation, Implementations } from './implementation.ts';
import type { Instance, InstanceState, Session, Suspicion } from './instance.ts';
import { InstanceRecord } from './instance-record.ts';
import { LeaseQueue } from './lease-queue.ts';
import { RefusedRegistration } from './refusal.ts';
import type { Registration } from './registration.ts';

/** A change of one instance. `from` is missing for one that came, and the state is `gone` for one that went. */
export interface RegistryChange {
  instance: Instance;
  /** The implementations that it is, or last was, an instance of, one for each API. */
  implementations: readonly Implementation[];
  from: InstanceState | undefined;
  /** Whether what the instance says of itself changed, beyond its state. */
  registrationChanged: boolean;
}

/** Options of a registry. */
export interface RegistryOptions {
  clock: Clock;
  /** How many instances are known at the most; further ones are refused. Default 200,000. */
  capacity?: number;
  /** Whether instances are taken that speak the first Kplug's protocol, which has no way to prove who they are. Default false. */
  allowInsecure?: boolean;
}

/** The plugins known now. Time is kept by the clock it is given; nothing in it waits. */
export class Registry {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #allowInsecure: boolean;
  readonly #instances = new Map<string, InstanceRecord>();
  readonly #implementations = new Implementations();
  readonly #leases = new LeaseQueue<InstanceRecord>();
  readonly #listeners = new Set<(change: RegistryChange) => void>();
  #alarm: { at: number; cancel: () => void } | undefined;
  #revision = 0;

  constructor({ clock, capacity = 200_000, allowInsecure = false }: RegistryOptions) {
    this.#clock = clock;
    this.#capacity = capacity;
    this.#allowInsecure = allowInsecure;
  }

  /** Hears of every change, in order, as it happens. A listener must not throw. Returns what ends the hearing. */
  subscribe(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Grows with every change: as long as it is the same, so is everything that follows from the registry. */
  get revision(): number {
    return this.#revision;
  }

  /** How many instances are known. */
  get size(): number {
    return this.#instances.size;
  }

  instances(): Iterable<Instance> {
    return this.#instances.values();
  }

  get(instanceId: string): Instance | undefined {
    return this.#instances.get(instanceId);
  }

  /** The implementations of an API that have an instance, whatever its state. The same array until one comes or goes. */
  implementations(api: string): readonly Implementation[] {
    return this.#implementations.of(api);
  }

  /**
   * Registers an instance, or hears one that is known. Throws `RefusedRegistration`.
   *
   * @param session how to reach an instance that keeps a session; it takes the place of an earlier one.
   */
  register(registration: Registration, session?: Session): Instance {
    if (!this.#isAllowed(registration)) throw new RefusedRegistration(RefusalReason.INVALID, insecureProtocol);
    const known = this.#instances.get(registration.instanceId);
    if (!known) return this.#add(registration, session);
    if (!isSameAddress(known.registration.address, registration.address) && known.state === 'live') {
      throw new RefusedRegistration(
        RefusalReason.INSTANCE_CONFLICT,
        `instance id "${registration.instanceId}" is in use by ${describe(known)} at ${known.registration.address}; ` +
          'give each process an id of its own (KPLUG_INSTANCE_ID)',
      );
    }
    known.session = session ?? known.session;
    const changed = this.#replace(known, registration);
    this.#hear(known);
    if (isRecovered(known, session !== undefined)) this.#setState(known, 'live', '', undefined, changed);
    else if (changed) this.#emit(known, known.state, true);
    return known;
  }

  /**
   * Takes in an instance that was known before this registry was made. It is suspect until it is heard or reached, and goes with
   * a lease that begins now. Ignored when it is known or not allowed, or the registry full.
   */
  restore(registration: Registration, lastHeardAt: number): void {
    if (this.#instances.has(registration.instanceId) || this.#instances.size >= this.#capacity) return;
    if (!this.#isAllowed(registration)) return;
    const instance = this.#insert(registration);
    instance.state = 'suspect';
    instance.suspicion = 'StreamBroken';
    instance.stateReason = 'it was known before the controller started, and has not been heard since';
    this.#hear(instance);
    instance.lastHeardAt = lastHeardAt;
    this.#emit(instance, undefined, true);
  }

  /** Hears a beat in an instance's session. Returns false when the instance is no longer known and must register again. */
  beat(instanceId: string): boolean {
    const known = this.#instances.get(instanceId);
    if (!known) return false;
    this.#hear(known);
    if (known.state === 'suspect' && known.suspicion === 'StreamBroken') this.#setState(known, 'live', '');
    return true;
  }

  /** The stream of a session ended. Ignored when the instance has a newer session. */
  sessionEnded(instanceId: string, session: Session): void {
    const known = this.#instances.get(instanceId);
    if (!known || known.session !== session) return;
    known.session = undefined;
    if (known.state === 'draining') this.#remove(known, 'it has stopped');
    else this.markSuspect(instanceId, 'StreamBroken', 'its session broke');
  }

  /** Casts doubt on an instance. Graver suspicion is not lifted by a lesser one. */
  markSuspect(instanceId: string, suspicion: Suspicion, reason: string): void {
    const known = this.#instances.get(instanceId);
    if (!known || known.state === 'draining' || known.suspicion === 'Unreachable') return;
    if (known.suspicion !== suspicion) this.#setState(known, 'suspect', reason, suspicion);
  }

  /** Takes in which of its APIs an instance reports not to serve now. The others get calls as before. */
  setUnserved(instanceId: string, apis: ReadonlySet<string>): void {
    const known = this.#instances.get(instanceId);
    if (!known || isDeepStrictEqual(known.unserved, apis)) return;
    known.unserved = apis;
    this.#setState(known, known.state, known.stateReason, known.suspicion);
  }

  /** Takes an instance back that was said to be stopping, and isn't. What was asked to drain stays. */
  readmit(instanceId: string): void {
    const known = this.#instances.get(instanceId);
    if (known?.state === 'draining' && !known.drainRequested) this.#setState(known, 'live', '');
  }

  /** Lifts any doubt on an instance, which has just been reached. */
  markReachable(instanceId: string): void {
    const known = this.#instances.get(instanceId);
    if (known?.state === 'suspect') this.#setState(known, 'live', '');
  }

  /** The instance is stopping: no new calls. It goes when its session ends or its lease does. */
  deregister(instanceId: string, reason = 'it is stopping'): void {
    const known = this.#instances.get(instanceId);
    if (known && known.state !== 'draining') this.#setState(known, 'draining', reason);
  }

  /** Asks an instance to drain: to finish what it has in flight and to stop. It gets no new calls from now on. */
  drain(instanceId: string): void {
    const known = this.#instances.get(instanceId);
    if (!known || known.drainRequested) return;
    known.drainRequested = true;
    known.session?.notify(known.registration.lease, true);
    if (known.state !== 'draining') this.#setState(known, 'draining', 'the controller asked it to stop');
  }

  /** Lets an instance go at once, as it is known to have ended. */
  evict(instanceId: string, reason: string): void {
    const known = this.#instances.get(instanceId);
    if (known) this.#remove(known, reason);
  }

  /** Whether an instance was asked to drain, which is answered to its heartbeats. */
  isDrainWished(instanceId: string): boolean {
    return this.#instances.get(instanceId)?.drainRequested ?? false;
  }

  /** Forgets everything, without a word. */
  close(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#listeners.clear();
    this.#instances.clear();
  }

  #isAllowed({ protocol }: Registration): boolean {
    return protocol === 'kplug.v1' || this.#allowInsecure;
  }

  #add(registration: Registration, session: Session | undefined): InstanceRecord {
    if (this.#instances.size >= this.#capacity) {
      throw new RefusedRegistration(
        RefusalReason.CAPACITY,
        `the registry is full: it holds ${this.#capacity} instances; raise its capacity or stop some`,
      );
    }
    const instance = this.#insert(registration);
    instance.session = session;
    this.#hear(instance);
    this.#emit(instance, undefined, true);
    return instance;
  }

  #insert(registration: Registration): InstanceRecord {
    const instance = new InstanceRecord(registration, this.#implementations.for(registration), Date.now());
    this.#instances.set(registration.instanceId, instance);
    for (const implementation of instance.implementations) implementation.add(instance);
    return instance;
  }

  #replace(instance: InstanceRecord, registration: Registration): boolean {
    if (isDeepStrictEqual(instance.registration, registration)) return false;
    this.#leases.remove(instance);
    const former = instance.implementations;
    for (const implementation of former) implementation.remove(instance);
    instance.registration = registration;
    instance.ttl = registration.lease.ttl;
    instance.implementations = this.#implementations.for(registration);
    for (const implementation of instance.implementations) implementation.add(instance);
    for (const implementation of former) this.#implementations.release(implementation);
    return true;
  }

  #hear(instance: InstanceRecord): void {
    instance.lastHeardAt = Date.now();
    this.#leases.renew(instance, this.#clock.now());
    if (!this.#alarm || instance.expiresAt < this.#alarm.at) this.#setAlarm();
  }

  #setState(
    instance: InstanceRecord,
    state: InstanceState,
    reason: string,
    suspicion?: Suspicion,
    registrationChanged = false,
  ): void {
    const from = instance.state;
    instance.state = state;
    instance.stateReason = reason;
    instance.suspicion = suspicion;
    for (const implementation of instance.implementations) implementation.touch();
    this.#emit(instance, from, registrationChanged);
  }

  #remove(instance: InstanceRecord, reason: string): void {
    this.#leases.remove(instance);
    this.#instances.delete(instance.registration.instanceId);
    const from = instance.state;
    instance.state = 'gone';
    instance.stateReason = reason;
    instance.suspicion = undefined;
    for (const implementation of instance.implementations) {
      implementation.remove(instance);
      this.#implementations.release(implementation);
    }
    this.#emit(instance, from, false);
  }

  #setAlarm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    const at = this.#leases.nextExpiry();
    if (at === undefined) return;
    const delay = Math.max(0, Math.ceil(at - this.#clock.now()));
    this.#alarm = { at, cancel: this.#clock.after(delay, () => this.#expire()) };
  }

  #expire(): void {
    for (const instance of this.#leases.expire(this.#clock.now())) {
      this.#remove(instance, `its lease of ${instance.ttl} ms ended without a beat`);
    }
    this.#setAlarm();
  }

  #emit(instance: InstanceRecord, from: InstanceState | undefined, registrationChanged: boolean): void {
    this.#revision++;
    const { implementations } = instance;
    for (const listener of this.#listeners) listener({ instance, implementations, from, registrationChanged });
  }
}

const insecureProtocol =
  "this operator takes no plugins that speak the first Kplug's protocol, in which nobody can prove who they are; start it " +
  'with --allow-insecure-plugins (allowInsecurePlugins in code) if you trust everyone who can reach its heartbeat port';

/** A new session is as good as a new start: whatever was wrong before shows again at the next call, if it still is. */
function isRecovered(known: InstanceRecord, newSession: boolean): boolean {
  if (known.state === 'suspect') return newSession || known.suspicion === 'StreamBroken';
  return known.state === 'draining' && newSession && !known.drainRequested;
}

function describe({ registration }: Instance): string {
  return `${registration.plugin} ${registration.version}`;
}
