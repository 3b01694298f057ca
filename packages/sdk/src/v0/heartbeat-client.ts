import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, localHostTowards, messageOf, v0 } from '@kplug/protocol';
import type { Logger } from 'pino';
import type { RegisteredApi } from '../definition.ts';
import { limits } from '../limits.ts';
import { pause } from '../pause.ts';

// The times are those of the SDKs of the first Kplug.
const { v0Interval: heartbeatInterval, v0Timeout: heartbeatTimeout } = limits.heartbeat;

/** Content of each heartbeat. */
export interface V0Identity {
  name: string;
  version: string;
  apis: readonly RegisteredApi[];
  /** Address as `host:port`; `:port` for the local address from which this machine reaches the operator. */
  address: string;
}

/**
 * Registers a plugin with an operator of the first Kplug. The operator knows a plugin for as long as it gets heartbeats; the protocol has no
 * deregistration.
 */
export class V0HeartbeatClient {
  readonly #controller: string;
  readonly #identity: V0Identity;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  #registered = false;
  /** Message of the last failure, empty after a success. */
  #lastFailure = '';
  #running: Promise<void> | undefined;

  constructor(controller: string, identity: V0Identity, log: Logger) {
    this.#controller = controller;
    this.#identity = identity;
    this.#log = log;
  }

  /** Reports whether the last heartbeat was accepted. */
  get registered(): boolean {
    return this.#registered;
  }

  /** Starts to send heartbeats. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Stops the heartbeats. */
  async deregister(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** Stops the heartbeats. */
  stop(): Promise<void> {
    return this.deregister();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#sendHeartbeats(signal);
        this.#onAccepted();
      } catch (error) {
        if (!signal.aborted) this.#onFailure(error);
      }
      await pause(heartbeatInterval, signal);
    }
    this.#registered = false;
  }

  /** Sends a heartbeat for each API, over a new channel, so that the name of the operator is resolved again. */
  async #sendHeartbeats(signal: AbortSignal): Promise<void> {
    const { name, version, apis, address: own } = this.#identity;
    const address = own.startsWith(':') ? (await localHostTowards(this.#controller)) + own : own;
    const client = createGrpcClient(v0.Controller, this.#controller, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    try {
      for (const api of apis) {
        const information = { address, name, version, api: api.name, apiVersion: api.version };
        const options = { deadline: Date.now() + heartbeatTimeout, signal };
        const { accepted, notAcceptedReason } = await client.pluginHeartbeat(information, options);
        if (!accepted) throw new Error(`not accepted: ${notAcceptedReason || 'no reason given'}`);
      }
    } finally {
      client.$client.close();
    }
  }

  #onAccepted(): void {
    const { name, version } = this.#identity;
    if (!this.#registered)
      this.#log.info(`registered ${name} ${version} with ${this.#controller}, an operator of the first Kplug`);
    this.#registered = true;
    this.#lastFailure = '';
  }

  #onFailure(error: unknown): void {
    this.#registered = false;
    const message = messageOf(error);
    // One warning per outage, not per heartbeat.
    const level = message === this.#lastFailure ? 'debug' : 'warn';
    this.#lastFailure = message;
    this.#log[level](`heartbeat to ${this.#controller} failed: ${message}; retrying`);
  }
}
