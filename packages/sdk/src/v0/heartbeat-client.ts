import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, localHostTowards, v0 } from '@kplug/protocol';
import type { Logger } from 'pino';
import type { RegisteredApi } from '../definition.ts';

/** How often to beat, and how long an answer may take, as the first Kplug's own SDK does. In milliseconds. */
const beatInterval = 5_000;
const beatTimeout = 3_000;

/** What is said in each beat. */
export interface V0Identity {
  name: string;
  version: string;
  apis: readonly RegisteredApi[];
  /** `host:port`, or `:port` for the address of this machine from which it reaches the operator. */
  address: string;
}

/**
 * Makes a plugin known to an operator of the first Kplug. That knows a plugin for as long as it beats, and has no way to be
 * told that it stops.
 */
export class V0HeartbeatClient {
  readonly #controller: string;
  readonly #identity: V0Identity;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  #registered = false;
  #complaint = '';
  #running: Promise<void> | undefined;

  constructor(controller: string, identity: V0Identity, log: Logger) {
    this.#controller = controller;
    this.#identity = identity;
    this.#log = log;
  }

  /** Whether the last beat was accepted. */
  get registered(): boolean {
    return this.#registered;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Beats no more, which is all that can be said. */
  async deregister(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  stop(): Promise<void> {
    return this.deregister();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#beat(signal);
        this.#onAccepted();
      } catch (error) {
        if (!signal.aborted) this.#onFailure(error);
      }
      await sleep(beatInterval, undefined, { signal }).catch(() => undefined);
    }
    this.#registered = false;
  }

  /** Once for each API, over a channel of its own, so that the operator's name is resolved anew. */
  async #beat(signal: AbortSignal): Promise<void> {
    const { name, version, apis, address: own } = this.#identity;
    const address = own.startsWith(':') ? (await localHostTowards(this.#controller)) + own : own;
    const client = createGrpcClient(v0.Controller, this.#controller, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    try {
      for (const api of apis) {
        const information = { address, name, version, api: api.name, apiVersion: api.version };
        const options = { deadline: Date.now() + beatTimeout, signal };
        const { accepted, notAcceptedReason } = await client.pluginHeartbeat(information, options);
        if (!accepted) throw new Error(`it doesn't accept the heartbeat: ${notAcceptedReason || 'it gives no reason'}`);
      }
    } finally {
      client.$client.close();
    }
  }

  #onAccepted(): void {
    const { name, version } = this.#identity;
    if (!this.#registered)
      this.#log.info(`registered ${name} ${version} with ${this.#controller}, a first Kplug's operator`);
    this.#registered = true;
    this.#complaint = '';
  }

  #onFailure(error: unknown): void {
    this.#registered = false;
    const message = error instanceof Error ? error.message : String(error);
    // One line for each time that it is away, not for each beat.
    const level = message === this.#complaint ? 'debug' : 'warn';
    this.#complaint = message;
    this.#log[level](`the operator at ${this.#controller} can't be beaten to (${message}); trying until it can`);
  }
}
