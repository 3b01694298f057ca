// registry/: the plugins known now: registration, identity, lease, expiry, sessions.
import { isDeepStrictEqual } from 'node:util';
import { RefusalReason } from '@kplug/protocol';
import { limits, limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import { PluginName } from '../names.ts';
import { Pace } from '../queue/slices.ts';
import { isSameAddress } from './address.ts';
import { type Claim, InstanceOwner, unproven } from './claim.ts';
import type { Clock } from './clock.ts';
import { FlapLimit } from './flap-limit.ts';
import { HolderQuota, type RegistryQuota } from './holder-quota.ts';
import { type Identity, ownerOf } from './identity.ts';
import { type Implementation, Implementations } from './implementation.ts';
import type { Instance, InstanceChange, InstanceState, Session, SuspectReason } from './instance.ts';
import { InstanceRecord } from './instance-record.ts';
import { LeaseQueue } from './lease-queue.ts';
import { NameOwners, type OwnedName } from './name-owners.ts';
import { RefusedRegistration } from './refusal.ts';
import type { Registration } from './registration.ts';

/** Change of one instance, with the implementations that it is, or last was, an instance of, one for each API. */
export interface RegistryChange extends InstanceChange {
  implementations: readonly Implementation[];
  /** Implementations that it was an instance of before its registration changed; empty if that didn't change. */
  formerImplementations: readonly Implementation[];
}

/** Options of a registry. */
export interface RegistryOptions {
  clock: Clock;
  /** Maximum number of instances; further ones are refused. Default 200,000. */
  capacity?: number;
  /** Time in milliseconds for which the name of a plugin without instances belongs to its owner. Default 3,600,000 (1 h). */
  nameRetention?: number;
  /** Accepts v0 instances, whose protocol has no authentication. Default false. */
  allowInsecure?: boolean;
  /** Bounds of what is held in memory. */
  quota?: RegistryQuota;
}

/** Time for which an instance that changes too often is held. */
const { holdTime } = limits.flaps;

/** Plugins known now. All of its methods are synchronous; time comes from the given clock. */
export class Registry {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #allowInsecure: boolean;
  readonly #instances = new Map<string, InstanceRecord>();
  readonly #names: NameOwners;
  readonly #quota: HolderQuota;
  readonly #implementations = new Implementations();
  readonly #leases = new LeaseQueue<InstanceRecord>();
  readonly #counts: Record<InstanceState, number> = { live: 0, suspect: 0, draining: 0, gone: 0 };
  readonly #listeners = new Set<(change: RegistryChange) => void>();
  #alarm: { at: number; cancel: () => void } | undefined;
  #revision = 0;

  constructor({ clock, capacity, nameRetention, allowInsecure = false, quota = {} }: RegistryOptions) {
    this.#clock = clock;
    this.#names = new NameOwners(readLimit(limitTable.registry.nameRetention, nameRetention));
    this.#quota = new HolderQuota(quota, () => clock.now());
    this.#capacity = readLimit(limitTable.registry.capacity, capacity);
    this.#allowInsecure = allowInsecure;
  }

  /** Calls `listener`, which must not throw, at each change, in order. Returns a function that unsubscribes. */
  subscribe(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Number that grows with every change: results derived from the registry stay valid while it is unchanged. */
  get revision(): number {
    return this.#revision;
  }

  /** Number of instances. */
  get size(): number {
    return this.#instances.size;
  }

  /** Number of instances by state. */
  get counts(): Readonly<Record<InstanceState, number>> {
    return this.#counts;
  }

  /** Instances that may serve any resource: all, except those of attachments. */
  *instances(): Iterable<Instance> {
    for (const instance of this.#instances.values()) {
      if (instance.registration.attachment === undefined) yield instance;
    }
  }

  get(instanceId: string): Instance | undefined {
    return this.#instances.get(instanceId);
  }

  /**
   * Implementations of an API that have an instance in any state. Returns the same array until one is added or removed.
   *
   * @param attachment attachment whose implementations are returned. Default: those of none, which may serve any resource.
   */
  implementations(api: string, attachment?: string): readonly Implementation[] {
    return this.#implementations.of(api, attachment);
  }

  /**
   * Registers an instance, or renews the lease of a known one. Throws `RefusedRegistration`.
   *
   * @param claim identity and secret of the process that registers it. Only the owner of a known instance may change or renew it.
   * @param session session that the instance keeps open; replaces an earlier one.
   * @param holder key of who brings the registration, such as a host, by which it is counted. Default: counted only in all.
   */
  register(registration: Registration, claim: Claim = unproven, session?: Session, holder = ''): Instance {
    if (!this.#isAllowed(registration)) throw new RefusedRegistration(RefusalReason.INVALID, insecureProtocol);
    const known = this.#instances.get(registration.instanceId);
    if (!known) return this.#add(registration, claim, session, holder);
    this.#checkOwner(known, claim);
    if (!isSameAddress(known.registration.address, registration.address)) {
      throw new RefusedRegistration(
        RefusalReason.INSTANCE_CONFLICT,
        `instance id "${registration.instanceId}" is registered at ${known.registration.address}, and an instance never moves; ` +
          'give each process a unique id (KPLUG_INSTANCE_ID)',
      );
    }
    this.#checkName(registration, claim);
    this.#checkChange(known, registration, session);
    known.owner.adopt(claim);
    known.session = session ?? known.session;
    const former = this.#replace(known, registration);
    if (former) this.#flapsOf(known).take(this.#clock.now());
    this.#renewLease(known);
    if (isRecovered(known, session !== undefined)) this.#setState(known, 'live', '', undefined, former);
    else if (former) this.#emit(known, known.state, former);
    return known;
  }

  /** Returns the secret of an instance that brought none and needs one. It is returned once. */
  issueSecret(instanceId: string): string | undefined {
    return this.#instances.get(instanceId)?.owner.issueSecret();
  }

  /**
   * Restores an instance that was known to a former controller. It is suspect until it sends a heartbeat or answers a check, with
   * a lease that starts now. Ignored when it is known or not allowed, or the registry is full.
   *
   * @param identity identity that its owner proved then. The owner must prove it again, but no secret.
   */
  restore(registration: Registration, lastHeardAt: number, identity: Identity = unproven.identity): void {
    if (this.#instances.has(registration.instanceId) || this.#instances.size >= this.#capacity) return;
    if (!this.#isAllowed(registration) || this.#names.otherOwner(nameOf(registration), identity)) return;
    const instance = this.#insert(registration, { identity }, '');
    this.#changeState(instance, 'suspect');
    instance.suspectReason = 'StreamBroken';
    instance.stateReason = 'it was known before the controller started, and has sent no heartbeat since';
    for (const implementation of instance.implementations) implementation.update(instance);
    this.#renewLease(instance);
    instance.lastHeardAt = lastHeardAt;
    this.#emit(instance, undefined, []);
  }

  /** Restores the owner of the name of a plugin that was seen last at a time, in milliseconds since the epoch. */
  restoreName(plugin: string, owner: string, seenAt: number): void {
    this.#names.restore(new PluginName(plugin).key, owner, seenAt);
  }

  /** Returns the owners of plugin names. */
  nameOwners(): OwnedName[] {
    return this.#names.list();
  }

  /** Handles a heartbeat in a session. Returns false when the instance is no longer known and must register again. */
  beat(instanceId: string): boolean {
    const known = this.#instances.get(instanceId);
    if (!known) return false;
    this.#renewLease(known);
    if (known.state === 'suspect' && known.suspectReason === 'StreamBroken') this.#setState(known, 'live', '');
    return true;
  }

  /** Handles the end of a session's stream. Ignored when the instance has a newer session. */
  sessionEnded(instanceId: string, session: Session): void {
    const known = this.#instances.get(instanceId);
    if (!known || known.session !== session) return;
    known.session = undefined;
    if (known.state === 'draining') this.#remove(known, 'it has stopped');
    else this.markSuspect(instanceId, 'StreamBroken', 'its session broke');
  }

  /** Marks an instance as suspect. `Unreachable` isn't replaced by `StreamBroken`. */
  markSuspect(instanceId: string, suspectReason: SuspectReason, reason: string): void {
    const known = this.#instances.get(instanceId);
    if (!known || known.state === 'draining' || known.suspectReason === 'Unreachable') return;
    if (known.suspectReason !== suspectReason) this.#setState(known, 'suspect', reason, suspectReason);
  }

  /** Sets the APIs that an instance reports not to serve now. The others get calls as before. */
  setUnserved(instanceId: string, apis: ReadonlySet<string>): void {
    const known = this.#instances.get(instanceId);
    if (!known || isDeepStrictEqual(known.unserved, apis)) return;
    known.unserved = apis;
    // Shown when the instance, which changes too often, is no longer held.
    if (known.held) return;
    this.#setState(known, known.state, known.stateReason, known.suspectReason);
  }

  /** Ends the draining of an instance that turned out not to be stopping, unless `drain` requested it. */
  readmit(instanceId: string): void {
    const known = this.#instances.get(instanceId);
    if (known?.state === 'draining' && !known.drainRequested) this.#setState(known, 'live', '');
  }

  /** Marks a suspect instance as live, as it has just answered. */
  markReachable(instanceId: string): void {
    const known = this.#instances.get(instanceId);
    if (known?.state === 'suspect') this.#setState(known, 'live', '');
  }

  /**
   * Marks an instance as draining, as its owner says that it is stopping. It is removed when its session or its lease ends. A new
   * registration of its owner lifts it. Throws `RefusedRegistration` for a claim of another process.
   */
  deregister(instanceId: string, claim: Claim = unproven): void {
    const known = this.#instances.get(instanceId);
    if (!known) return;
    this.#checkOwner(known, claim);
    if (known.state === 'draining') return;
    known.deregistered = true;
    this.#setState(known, 'draining', 'it is stopping');
  }

  /** Marks an instance as draining, for a reason that its owner can't lift. It is removed when its session or its lease ends. */
  markDraining(instanceId: string, reason: string): void {
    const known = this.#instances.get(instanceId);
    if (!known) return;
    known.deregistered = false;
    if (known.state !== 'draining') this.#setState(known, 'draining', reason);
  }

  /**
   * Requests an instance to drain: to finish its in-flight calls and to stop. It gets no new calls. Reports whether that is new.
   *
   * @param reason explanation of its state.
   */
  drain(instanceId: string, reason = 'the controller requested it to stop'): boolean {
    const known = this.#instances.get(instanceId);
    if (!known || known.drainRequested) return false;
    known.drainRequested = true;
    known.session?.notify(known.registration.lease, true);
    if (known.state !== 'draining') this.#setState(known, 'draining', reason);
    return true;
  }

  /**
   * Removes an instance immediately.
   *
   * @param session removes it only if this is its session: a newer one may have brought a newer token. Default: removes it in any case.
   */
  evict(instanceId: string, reason: string, session?: Session): void {
    const known = this.#instances.get(instanceId);
    if (known && (!session || known.session === session)) this.#remove(known, reason);
  }

  /** Reports whether an instance was requested to drain, which the responses to its heartbeats repeat. */
  isDrainRequested(instanceId: string): boolean {
    return this.#instances.get(instanceId)?.drainRequested ?? false;
  }

  /** Removes everything without notifying listeners. */
  close(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#listeners.clear();
    this.#instances.clear();
  }

  #isAllowed({ protocol }: Registration): boolean {
    return protocol === 'kplug.v1' || this.#allowInsecure;
  }

  /** Throws `RefusedRegistration` for a claim of a process that doesn't own the instance. */
  #checkOwner({ owner, registration }: InstanceRecord, claim: Claim): void {
    if (owner.isSame(claim)) return;
    throw new RefusedRegistration(
      RefusalReason.UNAUTHENTICATED,
      `instance id "${registration.instanceId}" belongs to another process; send the secret of its lease as metadata "kplug-secret", ` +
        'with the token or certificate that it was registered with, or give each process a unique id (KPLUG_INSTANCE_ID)',
    );
  }

  /** Throws `RefusedRegistration` if the name of a plugin belongs to another identity. */
  #checkName(registration: Registration, { identity }: Claim): void {
    const other = this.#names.otherOwner(nameOf(registration), identity);
    if (!other) return;
    const until = other.availableAt === undefined ? '' : ` until ${new Date(other.availableAt).toISOString()}`;
    throw new RefusedRegistration(
      RefusalReason.NAME_TAKEN,
      `the plugin name "${registration.plugin}" belongs to ${other.owner}${until}; this is ${ownerOf(identity)}; ` +
        'choose another name, or stop the other plugin and wait',
    );
  }

  #add(registration: Registration, claim: Claim, session: Session | undefined, holder: string): InstanceRecord {
    this.#checkName(registration, claim);
    if (this.#instances.size >= this.#capacity) {
      throw new RefusedRegistration(
        RefusalReason.CAPACITY,
        `the registry is full: it holds ${this.#capacity} instances; raise its capacity or stop some plugins`,
      );
    }
    this.#quota.check(holder, registration);
    const instance = this.#insert(registration, claim, holder);
    instance.session = session;
    this.#renewLease(instance);
    this.#emit(instance, undefined, []);
    return instance;
  }

  #insert(registration: Registration, claim: Claim, holder: string): InstanceRecord {
    const implementations = this.#implementations.for(registration);
    const instance = new InstanceRecord(registration, implementations, new InstanceOwner(claim), Date.now(), holder);
    this.#names.add(nameOf(registration), claim.identity);
    this.#quota.add(holder, registration);
    this.#instances.set(registration.instanceId, instance);
    this.#counts[instance.state]++;
    for (const implementation of instance.implementations) implementation.add(instance);
    return instance;
  }

  /** Replaces a registration by another one. Returns the former implementations; `undefined` if the registrations are equal. */
  #replace(instance: InstanceRecord, registration: Registration): readonly Implementation[] | undefined {
    if (isDeepStrictEqual(instance.registration, registration)) return undefined;
    this.#leases.remove(instance);
    this.#quota.remove(instance.holder, instance.registration, false);
    this.#quota.add(instance.holder, registration);
    const former = instance.implementations;
    for (const implementation of former) implementation.remove(instance);
    this.#names.remove(nameOf(instance.registration), instance.identity);
    this.#names.add(nameOf(registration), instance.identity);
    instance.registration = registration;
    instance.ttl = registration.lease.ttl;
    instance.implementations = this.#implementations.for(registration);
    for (const implementation of instance.implementations) implementation.add(instance);
    for (const implementation of former) this.#implementations.release(implementation);
    return former;
  }

  #renewLease(instance: InstanceRecord): void {
    instance.lastHeardAt = Date.now();
    this.#leases.renew(instance, this.#clock.now());
    if (!this.#alarm || instance.expiresAt < this.#alarm.at) this.#setAlarm();
  }

  #setState(
    instance: InstanceRecord,
    state: InstanceState,
    reason: string,
    suspectReason?: SuspectReason,
    former?: readonly Implementation[],
  ): void {
    if (this.#isHeld(instance, { state, reason, suspectReason })) {
      if (former) this.#emit(instance, instance.state, former);
      return;
    }
    this.#applyState(instance, state, reason, suspectReason, former);
  }

  #applyState(
    instance: InstanceRecord,
    state: InstanceState,
    reason: string,
    suspectReason: SuspectReason | undefined,
    former?: readonly Implementation[],
  ): void {
    const from = instance.state;
    this.#changeState(instance, state);
    if (state !== 'draining') instance.deregistered = false;
    instance.stateReason = reason;
    instance.suspectReason = suspectReason;
    for (const implementation of instance.implementations) implementation.update(instance);
    this.#emit(instance, from, former);
  }

  /**
   * Checks whether a new registration may change a known instance: not when it would exceed a bound, and not when the instance changes too
   * often. Throws `RefusedRegistration`.
   */
  #checkChange(known: InstanceRecord, registration: Registration, session: Session | undefined): void {
    const isChanged = !isDeepStrictEqual(known.registration, registration);
    if (isChanged) this.#quota.check(known.holder, registration, known.registration);
    const isReturning = known.state === 'draining' && isRecovered(known, session !== undefined);
    if ((!isChanged && !isReturning) || this.#flapsOf(known).has(this.#clock.now())) return;
    throw new RefusedRegistration(
      RefusalReason.CAPACITY,
      `the instance "${registration.instanceId}" changes too often; keep its registration as it is, and register again in ${limits.flaps.interval / 1_000} s`,
    );
  }

  #flapsOf(instance: InstanceRecord): FlapLimit {
    instance.flaps ??= new FlapLimit(this.#clock.now());
    return instance.flaps;
  }

  /**
   * Counts a change of state. Reports whether the instance changes too often: it then gets no calls for a while, and its latest state takes
   * effect afterwards. An instance that stops does so immediately.
   */
  #isHeld(instance: InstanceRecord, latest: Omit<NonNullable<InstanceRecord['held']>, 'cancel'>): boolean {
    const isWithin = this.#flapsOf(instance).take(this.#clock.now());
    if (latest.state === 'draining') {
      instance.held?.cancel();
      instance.held = undefined;
      return false;
    }
    if (instance.held) {
      Object.assign(instance.held, latest);
      return true;
    }
    if (isWithin) return false;
    instance.held = { ...latest, cancel: this.#clock.after(holdTime, () => this.#release(instance)) };
    const reason = `its state changes too often; it gets no calls for ${holdTime / 1_000} s`;
    this.#applyState(instance, 'suspect', reason, 'Unreachable');
    return true;
  }

  #release(instance: InstanceRecord): void {
    const { held } = instance;
    if (!held) return;
    instance.held = undefined;
    this.#applyState(instance, held.state, held.reason, held.suspectReason);
  }

  #remove(instance: InstanceRecord, reason: string): void {
    this.#leases.remove(instance);
    this.#quota.remove(instance.holder, instance.registration);
    instance.held?.cancel();
    instance.held = undefined;
    this.#instances.delete(instance.registration.instanceId);
    this.#names.remove(nameOf(instance.registration), instance.identity);
    const from = instance.state;
    this.#counts[from]--;
    instance.state = 'gone';
    instance.stateReason = reason;
    instance.suspectReason = undefined;
    for (const implementation of instance.implementations) {
      implementation.remove(instance);
      this.#implementations.release(implementation);
    }
    this.#emit(instance, from);
  }

  #setAlarm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    const at = this.#leases.nextExpiry();
    if (at === undefined) return;
    const delay = Math.max(0, Math.ceil(at - this.#clock.now()));
    this.#alarm = { at, cancel: this.#clock.after(delay, () => this.#expire()) };
  }

  /** Removes the instances whose leases have expired. Many that expire together are removed in slices. */
  #expire(): void {
    const pace = new Pace();
    let instance = this.#leases.takeExpired(this.#clock.now());
    while (instance) {
      this.#remove(instance, `its lease of ${instance.ttl} ms expired without a heartbeat`);
      // A heartbeat that arrives before the next slice renews a lease that has ended meanwhile.
      if (pace.isOver()) break;
      instance = this.#leases.takeExpired(this.#clock.now());
    }
    this.#setAlarm();
  }

  #changeState(instance: InstanceRecord, state: InstanceState): void {
    this.#counts[instance.state]--;
    this.#counts[state]++;
    instance.state = state;
  }

  /** @param former implementations before a change of the registration. */
  #emit(instance: InstanceRecord, from: InstanceState | undefined, former?: readonly Implementation[]): void {
    this.#revision++;
    const { implementations } = instance;
    const registrationChanged = former !== undefined;
    const change = { instance, implementations, formerImplementations: former ?? [], from, registrationChanged };
    for (const listener of this.#listeners) listener(change);
  }
}

const insecureProtocol =
  "this operator accepts no plugins that speak the first Kplug's protocol, which has no authentication; start it with " +
  '--allow-insecure-plugins (allowInsecurePlugins in code) if you trust everyone who can reach its heartbeat port';

/**
 * Reports whether a registration makes an instance live. A new session always does: a persisting fault shows at the next call. So does
 * any registration of an instance that its owner has deregistered.
 */
function isRecovered(known: InstanceRecord, newSession: boolean): boolean {
  if (known.state === 'suspect') return newSession || known.suspectReason === 'StreamBroken';
  return known.state === 'draining' && known.deregistered && !known.drainRequested;
}

function nameOf({ plugin }: Registration): string {
  return new PluginName(plugin).key;
}
