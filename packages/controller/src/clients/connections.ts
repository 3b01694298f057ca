import { isDeepStrictEqual } from 'node:util';
import { PluginChannels, type PluginSecurity } from '../certificates/plugin-channels.ts';
import { KplugError, messageOf } from '../errors.ts';
import { limits, limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import { CallSlots } from '../queue/call-slots.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registration } from '../registry/registration.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import { Connection, type ConnectionListener, type ConnectionOptions } from './connection.ts';
import type { ConnectionsOptions } from './connections-options.ts';
import type { StreamUse } from './plugin-client.ts';
import { grpcTransport, type PluginTransport } from './plugin-transport.ts';

const { expiryMargin, maxExpiryMargin, minReplacementDelay, maxReplacements } = limits.connections;

/**
 * Long-lived connections, one for each instance that was called. They report to the registry: an instance that doesn't answer
 * gets no calls, and is checked with back-off until it answers or its lease ends.
 */
export class Connections {
  /** Slots for calls to instances that serve a limited number of them at a time. */
  readonly slots = new CallSlots();
  readonly #registry: Registry;
  readonly #options: Omit<ConnectionOptions, 'streams' | 'channel'>;
  readonly #transport: PluginTransport;
  readonly #security: PluginSecurity;
  readonly #idleTimeout: number;
  /** Connections for new calls, by instance id. */
  readonly #connections = new Map<string, Connection>();
  /** All connections that aren't closed, including those that are being opened or were retired. */
  readonly #open = new Set<Connection>();
  /** Results of the checks that are waiting or in progress, by instance id. */
  readonly #results = new Map<string, PromiseWithResolvers<boolean>>();
  /** Checks by instance id. Callers wait for their results, so that their number isn't limited. */
  readonly #checks = new WorkQueue<string>({
    concurrency: Number.POSITIVE_INFINITY,
    backOff: { initial: limits.connections.initialBackOff, max: limits.connections.maxBackOff },
    work: (instanceId) => this.#check(instanceId),
  });
  /** Use of streams by instances that have connections, by instance id. */
  readonly #streams = new Map<string, StreamUse>();
  /** Closes unused connections, by instance id. */
  readonly #idleChecks = new WorkQueue<string>({ work: async (instanceId) => this.#closeIfIdle(instanceId) });
  /** Replaces connections whose certificates expire, by instance id. */
  readonly #expiryChecks = new WorkQueue<string>({
    concurrency: maxReplacements,
    work: (instanceId) => this.#replaceIfExpiring(instanceId),
  });
  readonly #unsubscribe: () => void;
  #closed = false;

  constructor(
    registry: Registry,
    options: ConnectionsOptions = {},
    transport: PluginTransport = grpcTransport,
    security: PluginSecurity = new PluginChannels(),
  ) {
    this.#registry = registry;
    this.#transport = transport;
    this.#security = security;
    this.#options = {
      maxMessageSize: readLimit(limitTable.connections.maxMessageSize, options.maxMessageSize),
      openTimeout: readLimit(limitTable.connections.openTimeout, options.openTimeout),
      healthInterval: readLimit(limitTable.connections.healthInterval, options.healthInterval),
    };
    this.#idleTimeout = readLimit(limitTable.connections.idleTimeout, options.idleTimeout);
    this.#unsubscribe = registry.subscribe((change) => this.#onChange(change));
  }

  /** Number of in-flight calls to an instance. */
  inFlight(instance: Instance): number {
    return this.#connections.get(instance.registration.instanceId)?.inFlight ?? 0;
  }

  /** Number of in-flight calls to an instance, and of those that wait for a slot. */
  load(instance: Instance): number {
    return this.inFlight(instance) + this.slots.waiting(instance.registration.address);
  }

  /** Number of connections for new calls. */
  get size(): number {
    return this.#connections.size;
  }

  /** Reports whether all connections were closed permanently. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Returns a connection to an instance, opening one if needed. Rejects with `PluginUnavailable`. */
  async open(instance: Instance): Promise<Connection> {
    const { instanceId } = instance.registration;
    const kept = this.#connections.get(instanceId);
    if (kept?.state === 'serving' && instance.state === 'live') return kept;
    if (await this.check(instance)) {
      const checked = this.#connections.get(instanceId);
      if (checked) return checked;
    }
    throw new KplugError('PluginUnavailable', `${describe(instance)} is unreachable: ${instance.stateReason}`);
  }

  /** Checks whether an instance answers, once for all concurrent callers, and reports the result to the registry. */
  check(instance: Instance): Promise<boolean> {
    const { instanceId } = instance.registration;
    if (this.#closed || instance.state === 'gone' || instance.state === 'draining') return Promise.resolve(false);
    const known = this.#results.get(instanceId);
    if (known) return known.promise;
    const { promise } = this.#resultOf(instanceId);
    this.#checks.add(instanceId);
    return promise;
  }

  /** Replaces a connection that no longer accepts calls, once for all concurrent callers. Reports whether the instance answers. */
  replace(instance: Instance, connection: Connection): Promise<boolean> {
    const isReplaced = this.#connections.get(instance.registration.instanceId) !== connection;
    return isReplaced && instance.state === 'live' ? Promise.resolve(true) : this.check(instance);
  }

  /** Closes all connections and cancels their in-flight calls. */
  close(): void {
    this.#closed = true;
    this.slots.close();
    this.#unsubscribe();
    void this.#checks.close();
    void this.#idleChecks.close();
    void this.#expiryChecks.close();
    for (const { resolve } of this.#results.values()) resolve(false);
    for (const connection of [...this.#open]) connection.close();
    this.#connections.clear();
  }

  #resultOf(instanceId: string): PromiseWithResolvers<boolean> {
    const known = this.#results.get(instanceId);
    if (known) return known;
    const result = Promise.withResolvers<boolean>();
    this.#results.set(instanceId, result);
    return result;
  }

  async #check(instanceId: string): Promise<WorkOutcome> {
    const instance = this.#registry.get(instanceId);
    const isRequested = this.#results.has(instanceId);
    // A delayed check is obsolete once the instance is reachable again.
    if (!isRequested && instance?.suspectReason !== 'Unreachable') return { next: 'done' };
    const result = this.#resultOf(instanceId);
    const isReachable = instance !== undefined && (await this.#isReachable(instance));
    this.#results.delete(instanceId);
    result.resolve(isReachable);
    return !isReachable && instance?.suspectReason === 'Unreachable' ? { next: 'retry' } : { next: 'done' };
  }

  async #isReachable(instance: Instance): Promise<boolean> {
    const { instanceId } = instance.registration;
    try {
      await this.#connect(instance);
    } catch (error) {
      this.#discard(instanceId);
      this.#registry.markSuspect(instanceId, 'Unreachable', messageOf(error));
      return false;
    }
    this.#registry.markReachable(instanceId);
    return true;
  }

  /** Opens a new connection: the existing one may be dead without an error. In-flight calls on that one may end. */
  async #connect(instance: Instance): Promise<void> {
    for (;;) {
      const { registration } = instance;
      const connection = await this.#openTo(registration).catch((error: unknown) => {
        if (isSameServer(registration, instance.registration)) throw error;
      });
      // It may have registered another certificate meanwhile, so that this connection is outdated, or failed for that reason.
      if (connection && isSameServer(registration, instance.registration)) {
        this.#keep(registration.instanceId, connection);
        return;
      }
      connection?.close();
    }
  }

  async #openTo(registration: Registration): Promise<Connection> {
    const { instanceId } = registration;
    const channel = this.#security.channelTo(registration);
    const listener: ConnectionListener = {
      onServing: () => this.#registry.markReachable(instanceId),
      onNotServing: () => this.#registry.markSuspect(instanceId, 'Unreachable', 'it reports that it is not serving'),
      onUnserved: (apis) => this.#registry.setUnserved(instanceId, apis),
      onBroken: (reason) => this.#onBroken(instanceId, connection, reason),
      onClosed: () => this.#open.delete(connection),
    };
    const connection: Connection = new Connection(
      registration,
      { ...this.#options, channel, streams: this.#streamsOf(instanceId) },
      listener,
      this.#transport,
    );
    this.#open.add(connection);
    try {
      await connection.opened;
      // It may have been closed right after it was opened.
      if (this.#closed) throw new KplugError('PluginUnavailable', 'all connections were closed');
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  #keep(instanceId: string, connection: Connection): void {
    this.#connections.get(instanceId)?.retire();
    this.#connections.set(instanceId, connection);
    this.#idleChecks.addAfter(instanceId, this.#idleTimeout);
    const { expiresAt } = connection;
    if (Number.isFinite(expiresAt)) this.#expiryChecks.addAfter(instanceId, replacementDelay(expiresAt));
    else this.#expiryChecks.remove(instanceId);
    this.#registry.setUnserved(instanceId, connection.unserved);
  }

  #onBroken(instanceId: string, connection: Connection, reason: string): void {
    if (this.#connections.get(instanceId) !== connection) return;
    this.#connections.delete(instanceId);
    this.#registry.markSuspect(instanceId, 'StreamBroken', reason);
  }

  #onChange({ instance, from, registrationChanged }: RegistryChange): void {
    const { instanceId } = instance.registration;
    if (instance.state === 'gone') this.#forget(instanceId);
    else if (instance.state === 'draining') this.#connections.get(instanceId)?.retire();
    else if (instance.suspectReason === 'StreamBroken') void this.check(instance);
    else if (instance.suspectReason === 'Unreachable' && registrationChanged) this.#checkChanged(instance);
    else if (instance.suspectReason === 'Unreachable') this.#checkLater(instanceId);
    else if (from === 'draining') this.#reconnect(instance);
    else if (from !== undefined && registrationChanged) this.#replaceConnection(instance);
    else if (from === undefined && isWatched(instance)) void this.check(instance);
  }

  /** The former connection was retired, and closes when its in-flight calls have ended. */
  #reconnect(instance: Instance): void {
    this.#connections.delete(instance.registration.instanceId);
    if (isWatched(instance)) void this.check(instance);
  }

  /**
   * Another process may answer now, or the same one with other properties. One that only has another certificate is the same: its calls
   * end normally.
   */
  #replaceConnection(instance: Instance): void {
    const { instanceId } = instance.registration;
    const former = this.#connections.get(instanceId);
    if (former && isRenewed(former.registration, instance.registration)) {
      former.retire();
      this.#connections.delete(instanceId);
    } else this.#discard(instanceId);
    if (isWatched(instance)) void this.check(instance);
  }

  /** What made it unreachable may have changed with its registration, such as its certificate. */
  #checkChanged(instance: Instance): void {
    this.#checks.reset(instance.registration.instanceId);
    void this.check(instance);
  }

  /** A check in progress schedules the next one itself. */
  #checkLater(instanceId: string): void {
    if (!this.#results.has(instanceId)) this.#checks.retry(instanceId);
  }

  #forget(instanceId: string): void {
    this.#discard(instanceId);
    this.#streams.delete(instanceId);
    this.#checks.reset(instanceId);
    this.#idleChecks.remove(instanceId);
    this.#expiryChecks.remove(instanceId);
  }

  #streamsOf(instanceId: string): StreamUse {
    const known = this.#streams.get(instanceId);
    if (known) return known;
    const streams = { isUnsafe: false };
    this.#streams.set(instanceId, streams);
    return streams;
  }

  #discard(instanceId: string): void {
    this.#connections.get(instanceId)?.close();
    this.#connections.delete(instanceId);
  }

  /** Replaces a connection whose certificate expires soon by one with a newer certificate. Its in-flight calls end normally. */
  async #replaceIfExpiring(instanceId: string): Promise<WorkOutcome> {
    const connection = this.#connections.get(instanceId);
    const instance = this.#registry.get(instanceId);
    if (!connection || !instance) return { next: 'done' };
    const remaining = connection.expiresAt - Date.now();
    // Without a newer certificate, the connection serves until it expires.
    if (remaining > 0 && !this.#hasNewer(connection))
      return { next: 'again', after: Math.min(remaining, expiryMargin) };
    await this.check(instance);
    return { next: 'done' };
  }

  #hasNewer({ registration, expiresAt }: Connection): boolean {
    try {
      return this.#security.channelTo(registration).expiresAt > expiresAt;
    } catch {
      // The reason is reported when the connection has expired.
      return false;
    }
  }

  #closeIfIdle(instanceId: string): WorkOutcome {
    const connection = this.#connections.get(instanceId);
    if (!connection) return { next: 'done' };
    const instance = this.#registry.get(instanceId);
    // Keeps the connection: an unserved API gets no calls, so only the health watch reports that it is served again.
    const isNeeded = connection.unserved.size > 0 || (instance && isWatched(instance));
    if (connection.inFlight > 0 || isNeeded) return { next: 'again', after: this.#idleTimeout / 4 };
    const remaining = connection.usedAt + this.#idleTimeout - performance.now();
    if (remaining > 0) return { next: 'again', after: Math.ceil(remaining) };
    this.#discard(instanceId);
    return { next: 'done' };
  }
}

/**
 * Reports whether a connection to an instance is kept without calls: one to an instance that sends no heartbeats, as only the
 * connection reports its health, and one to an instance of several APIs, as each API has a separate health.
 */
function isWatched({ registration, state }: Instance): boolean {
  return state === 'live' && (registration.declaration !== undefined || registration.apis.length > 1);
}

/** Reports whether a registration presents the same certificate at the same address as another one. */
function isSameServer(a: Registration, b: Registration): boolean {
  return a.address === b.address && a.certificate === b.certificate && isDeepStrictEqual(a.declaration, b.declaration);
}

/** Reports whether a registration differs from the former one in its certificate, not in its address. */
function isRenewed(former: Registration, next: Registration): boolean {
  return former.address === next.address && !isSameServer(former, next);
}

/**
 * Returns the delay until a connection is replaced because of its certificate, in milliseconds. Random, as the connections to all plugins
 * have the operator's certificate.
 */
function replacementDelay(expiresAt: number): number {
  const margin = expiryMargin * (1 + Math.random() * (maxExpiryMargin / expiryMargin - 1));
  return Math.max(minReplacementDelay, expiresAt - margin - Date.now());
}

function describe({ registration }: Instance): string {
  return `${registration.plugin} ${registration.version} at ${registration.address}`;
}
