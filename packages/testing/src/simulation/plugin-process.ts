import * as grpc from '@grpc/grpc-js';
import { KplugError } from '@kplug/controller';
import type { HealthListener, PluginAnswer } from '@kplug/controller/internal';
import { serviceError } from '@kplug/protocol';
import { answerOf, type Behaviour, failureOf, type PluginRequest } from './behaviour.ts';
import { type Stage, sleep } from './stage.ts';

/** Identity of a process. */
export interface PluginIdentity {
  plugin: string;
  version: string;
  apiVersion: string;
  instanceId: string;
  address: string;
}

/** Connection to the heartbeat port of the leading controller. */
export interface HeartbeatPort {
  register(process: PluginProcess): void;
  /** Returns false when the instance must register again. */
  beat(process: PluginProcess): boolean;
  deregister(process: PluginProcess): void;
  sessionEnded(process: PluginProcess): void;
}

/** Interval between heartbeats, in milliseconds. */
const interval = 5_000;

/** Watch of the health of a process. */
interface HealthWatcher {
  service: string;
  listener: HealthListener;
  isEnded: boolean;
  isNotifying: boolean;
}

/** Scripted process of a plugin. */
export class PluginProcess {
  readonly identity: PluginIdentity;
  readonly #stage: Stage;
  readonly #port: HeartbeatPort;
  readonly #watchers = new Set<HealthWatcher>();
  /** Rejections of the calls in progress. */
  readonly #running = new Set<() => void>();
  /** Calls that wait until the process no longer hangs. */
  #unhang = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  #behaviour: Behaviour = { type: 'works', delay: 0 };
  #state: 'up' | 'stopping' | 'down' = 'up';
  #isServing = true;
  /** Reports whether the process answers nothing at all. */
  isFrozen = false;
  /** Reports whether it sends no heartbeats. */
  isSilent = false;

  constructor(identity: PluginIdentity, stage: Stage, port: HeartbeatPort) {
    this.identity = identity;
    this.#stage = stage;
    this.#port = port;
    this.#timer = setInterval(() => void this.#beat(), interval);
    void this.register();
  }

  get isUp(): boolean {
    return this.#state !== 'down';
  }

  get isStopping(): boolean {
    return this.#state === 'stopping';
  }

  get behaviour(): Behaviour {
    return this.#behaviour;
  }

  set behaviour(behaviour: Behaviour) {
    this.#behaviour = behaviour;
    if (behaviour.type !== 'hangs') this.#release();
  }

  /** Sends a registration to the leading controller. */
  async register(): Promise<void> {
    await this.#step('registers');
    if (this.#state === 'up' && !this.isFrozen && !this.isSilent) this.#port.register(this);
  }

  /** Stops: finishes the calls in progress first. */
  async stop(): Promise<void> {
    if (this.#state !== 'up') return;
    this.#state = 'stopping';
    await this.#step('deregisters');
    if (!this.isUp) return;
    this.#port.deregister(this);
    this.#endIfIdle();
  }

  /** Ends at once. */
  crash(): void {
    if (!this.isUp) return;
    this.#state = 'down';
    clearInterval(this.#timer);
    for (const reject of [...this.#running]) reject();
    for (const watcher of [...this.#watchers]) this.#notify(watcher);
    void this.#step('session ends').then(() => this.#port.sessionEnded(this));
  }

  /** Ends a freeze or a silence. */
  thaw(): void {
    const wasSilent = this.isFrozen || this.isSilent;
    this.isFrozen = false;
    this.isSilent = false;
    this.#release();
    for (const watcher of this.#watchers) this.#notify(watcher);
    if (wasSilent) void this.#beat();
  }

  /** Changes whether it reports that it is serving. */
  serve(isServing: boolean): void {
    this.#isServing = isServing;
    for (const watcher of this.#watchers) this.#notify(watcher);
  }

  /** Handles a request. Rejects with a gRPC error, or with `InvalidResponse` as the decoder of answers does. */
  async handle(request: PluginRequest, onServed: () => void): Promise<PluginAnswer> {
    if (!this.isUp) throw connectionRefused();
    const crashed = Promise.withResolvers<never>();
    const reject = () => crashed.reject(serviceError(grpc.status.UNAVAILABLE, 'the connection broke'));
    crashed.promise.catch(() => undefined);
    this.#running.add(reject);
    try {
      return await Promise.race([this.#work(request, onServed), crashed.promise]);
    } finally {
      this.#running.delete(reject);
      this.#endIfIdle();
    }
  }

  /** Watches the health of a service. Returns a function that ends the watch. */
  watch(service: string, listener: HealthListener): () => void {
    const watcher = { service, listener, isEnded: false, isNotifying: false };
    this.#watchers.add(watcher);
    this.#notify(watcher);
    return () => {
      watcher.isEnded = true;
      this.#watchers.delete(watcher);
    };
  }

  toString(): string {
    return `${this.identity.instanceId} (${this.identity.plugin} ${this.identity.version})`;
  }

  async #beat(): Promise<void> {
    if (!this.#isBeating) return;
    await this.#step('sends a heartbeat');
    if (this.#isBeating && !this.#port.beat(this)) await this.register();
  }

  get #isBeating(): boolean {
    return this.#state === 'up' && !this.isFrozen && !this.isSilent;
  }

  async #work(request: PluginRequest, onServed: () => void): Promise<PluginAnswer> {
    const { plugin, version } = this.identity;
    while (this.isFrozen || this.#behaviour.type === 'hangs') await this.#unhang.promise;
    const behaviour = this.#behaviour;
    switch (behaviour.type) {
      case 'works':
        onServed();
        if (behaviour.delay > 0) await sleep(behaviour.delay);
        return answerOf(request, `${plugin} ${version}`);
      case 'eager':
        onServed();
        return { ...answerOf(request, `${plugin} ${version}`), requeueAfter: behaviour.requeueAfter };
      case 'throws':
        throw serviceError(grpc.status.INTERNAL, 'scripted failure');
      case 'babbles':
        throw new KplugError('InvalidResponse', 'scripted nonsense');
      case 'floods':
        throw serviceError(grpc.status.RESOURCE_EXHAUSTED, 'the answer is too large');
      case 'oversteps':
        return { ...answerOf(request, `${plugin} ${version}`), dependents: { items: [forbidden], rules: new Map() } };
      case 'retries':
      case 'gives up':
        return failureOf(behaviour, request);
      case 'hangs':
        throw new Error('unreachable');
    }
  }

  #release(): void {
    this.#unhang.resolve();
    this.#unhang = Promise.withResolvers();
  }

  #endIfIdle(): void {
    if (this.#state === 'stopping' && this.#running.size === 0) this.crash();
  }

  /** Notifies of the present state. Several changes before the notification arrives are one. */
  #notify(watcher: HealthWatcher): void {
    if (watcher.isNotifying || (this.isFrozen && this.isUp)) return;
    watcher.isNotifying = true;
    void this.#step('reports its health').then(() => {
      watcher.isNotifying = false;
      if (watcher.isEnded) return;
      if (!this.isUp) {
        watcher.isEnded = true;
        this.#watchers.delete(watcher);
        watcher.listener.onEnd('the connection broke');
      } else if (!this.isFrozen) watcher.listener.onStatus(this.#isServing ? 'serving' : 'notServing');
    });
  }

  #step(label: string): Promise<void> {
    return this.#stage.step(`${this.identity.instanceId} ${label}`);
  }
}

const forbidden = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'forbidden' } };

/** Error of a call to an address where nothing listens. */
export function connectionRefused(): grpc.ServiceError {
  return serviceError(grpc.status.UNAVAILABLE, 'connection refused');
}
