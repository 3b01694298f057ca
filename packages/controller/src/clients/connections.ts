import * as grpc from '@grpc/grpc-js';
import { KplugError, messageOf } from '../errors.ts';
import { BackOff } from '../queue/back-off.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import { Connection, type ConnectionOptions } from './connection.ts';

/** Options of the connections to all plugins. Times in milliseconds. */
export interface ConnectionsOptions extends Partial<ConnectionOptions> {
  /** How long a connection is kept that isn't used. Default 10 min. */
  idleTimeout?: number;
}

/**
 * The kept connections, one for each instance that was called. What is learnt by them is told to the registry: an instance
 * that doesn't answer gets no calls, and is checked with back-off for as long as its lease lasts, until it answers again.
 */
export class Connections {
  readonly #registry: Registry;
  readonly #options: ConnectionOptions;
  readonly #idleTimeout: number;
  readonly #connections = new Map<string, Connection>();
  readonly #checks = new Map<string, Promise<boolean>>();
  readonly #rechecks = new Map<string, NodeJS.Timeout>();
  readonly #backOff = new BackOff<string>({ initial: 100, max: 10_000 });
  readonly #unsubscribe: () => void;
  readonly #sweep: NodeJS.Timeout;
  #closed = false;

  constructor(registry: Registry, options: ConnectionsOptions = {}) {
    this.#registry = registry;
    this.#options = {
      credentials: options.credentials ?? grpc.credentials.createInsecure(),
      maxMessageSize: options.maxMessageSize ?? 4 * 1024 * 1024,
      openTimeout: options.openTimeout ?? 2_000,
      healthInterval: options.healthInterval ?? 10_000,
    };
    this.#idleTimeout = options.idleTimeout ?? 600_000;
    this.#unsubscribe = registry.subscribe((change) => this.#onChange(change));
    this.#sweep = setInterval(() => this.#closeIdle(), this.#idleTimeout / 4);
    this.#sweep.unref();
  }

  /** How many calls are under way to an instance. */
  inFlight(instance: Instance): number {
    return this.#connections.get(instance.registration.instanceId)?.inFlight ?? 0;
  }

  /** How many connections are kept. */
  get size(): number {
    return this.#connections.size;
  }

  /** Whether all connections were closed for good. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** A connection to an instance that has just answered, or that is open. Rejects with `PluginUnavailable`. */
  async open(instance: Instance): Promise<Connection> {
    const { instanceId } = instance.registration;
    const kept = this.#connections.get(instanceId);
    if (kept?.serving && instance.state === 'live') return kept;
    if (await this.check(instance)) {
      const checked = this.#connections.get(instanceId);
      if (checked) return checked;
    }
    throw new KplugError('PluginUnavailable', `${describe(instance)} can't be reached: ${instance.stateReason}`);
  }

  /** Whether an instance answers. Asks it, once for all who ask at the same time, and tells the registry what came of it. */
  check(instance: Instance): Promise<boolean> {
    const { instanceId } = instance.registration;
    if (instance.state === 'gone' || instance.state === 'draining') return Promise.resolve(false);
    let check = this.#checks.get(instanceId);
    if (!check) {
      check = this.#check(instance).finally(() => this.#checks.delete(instanceId));
      this.#checks.set(instanceId, check);
    }
    return check;
  }

  /** Closes all connections and cancels the calls under way. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    clearInterval(this.#sweep);
    for (const instanceId of [...this.#connections.keys()]) this.#discard(instanceId);
    for (const timer of this.#rechecks.values()) clearTimeout(timer);
    this.#rechecks.clear();
  }

  async #check(instance: Instance): Promise<boolean> {
    const { instanceId } = instance.registration;
    try {
      await this.#connect(instance);
    } catch (error) {
      this.#discard(instanceId);
      this.#registry.markSuspect(instanceId, 'Unreachable', messageOf(error));
      return false;
    }
    this.#backOff.reset(instanceId);
    this.#registry.markReachable(instanceId);
    return true;
  }

  /** Connects anew: a connection that is there may be dead without knowing it. Calls under way on it are left to end. */
  async #connect(instance: Instance): Promise<void> {
    const { registration } = instance;
    const { instanceId } = registration;
    const connection: Connection = new Connection(registration, this.#options, {
      onServing: () => this.#registry.markReachable(instanceId),
      onNotServing: () => this.#registry.markSuspect(instanceId, 'Unreachable', 'it reports that it is not serving'),
      onUnserved: (apis) => this.#registry.setUnserved(instanceId, apis),
      onBroken: (reason) => this.#onBroken(instanceId, connection, reason),
    });
    try {
      await connection.opened;
      // Closed meanwhile, so that nobody else would ever close this one.
      if (this.#closed) throw new KplugError('PluginUnavailable', 'all connections were closed');
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#connections.get(instanceId)?.retire();
    this.#connections.set(instanceId, connection);
    this.#registry.setUnserved(instanceId, connection.unserved);
  }

  #onBroken(instanceId: string, connection: Connection, reason: string): void {
    connection.close();
    if (this.#connections.get(instanceId) !== connection) return;
    this.#connections.delete(instanceId);
    this.#registry.markSuspect(instanceId, 'StreamBroken', reason);
  }

  #onChange({ instance, from, registrationChanged }: RegistryChange): void {
    const { instanceId } = instance.registration;
    if (instance.state === 'gone') this.#forget(instanceId);
    else if (instance.state === 'draining') this.#connections.get(instanceId)?.retire();
    else if (instance.suspicion === 'StreamBroken') void this.check(instance);
    else if (instance.suspicion === 'Unreachable') this.#recheckLater(instance);
    else if (from === 'draining') this.#reconnect(instance);
    else if (from !== undefined && registrationChanged) this.#startOver(instance);
    else if (from === undefined && isWatched(instance)) void this.check(instance);
  }

  /** The connection was retired, and closes by itself when the calls under way have ended. */
  #reconnect(instance: Instance): void {
    this.#connections.delete(instance.registration.instanceId);
    if (isWatched(instance)) void this.check(instance);
  }

  /** Another process may answer now, or the same one by other terms. */
  #startOver(instance: Instance): void {
    this.#discard(instance.registration.instanceId);
    if (isWatched(instance)) void this.check(instance);
  }

  #recheckLater(instance: Instance): void {
    const { instanceId } = instance.registration;
    clearTimeout(this.#rechecks.get(instanceId));
    const timer = setTimeout(async () => {
      this.#rechecks.delete(instanceId);
      if (instance.suspicion !== 'Unreachable') return;
      const answers = await this.check(instance);
      if (!answers && instance.suspicion === 'Unreachable') this.#recheckLater(instance);
    }, this.#backOff.fail(instanceId));
    timer.unref();
    this.#rechecks.set(instanceId, timer);
  }

  #forget(instanceId: string): void {
    this.#discard(instanceId);
    this.#backOff.reset(instanceId);
    clearTimeout(this.#rechecks.get(instanceId));
    this.#rechecks.delete(instanceId);
  }

  #discard(instanceId: string): void {
    this.#connections.get(instanceId)?.close();
    this.#connections.delete(instanceId);
  }

  #closeIdle(): void {
    const limit = performance.now() - this.#idleTimeout;
    for (const [instanceId, connection] of this.#connections) {
      const instance = this.#registry.get(instanceId);
      // Nobody calls an API that isn't served, so that it would never be known when it is.
      const isNeeded = connection.unserved.size > 0 || (instance && isWatched(instance));
      if (connection.inFlight === 0 && connection.usedAt < limit && !isNeeded) this.#discard(instanceId);
    }
  }
}

/**
 * Whether an instance is connected to although nobody calls it: one that doesn't beat, as nothing else is heard of it, and one
 * of several APIs, as each has a health of its own.
 */
function isWatched({ registration, state }: Instance): boolean {
  return state === 'live' && (registration.declaration !== undefined || registration.apis.length > 1);
}

function describe({ registration }: Instance): string {
  return `${registration.plugin} ${registration.version} at ${registration.address}`;
}
