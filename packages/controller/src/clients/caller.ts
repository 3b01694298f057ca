import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';
import { KplugError } from '../errors.ts';
import { formatPlugin } from '../names.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Instance } from '../registry/instance.ts';
import { pickInstance } from './balance.ts';
import type { Connections } from './connections.ts';
import { describeFailure } from './describe-failure.ts';
import { isConnectionError, nameOfCode } from './grpc-error.ts';
import { HangingInstances } from './hanging-instances.ts';
import type { FinalizeCause, PluginAnswer, PluginCall } from './plugin-call.ts';
import type { PluginClient } from './plugin-client.ts';
import { RequestTooLarge } from './request-too-large.ts';

/** Result of a call, for metrics. */
export interface CallObservation {
  plugin: string;
  /** Name of the RPC: `Reconcile`, `Finalize`, or a method of an API of the operator's own. */
  method: string;
  /** Name of the gRPC status code, such as `OK`. */
  code: string;
  /** Duration in milliseconds. */
  duration: number;
}

/** Calls plugins: picks an instance, makes the call, and translates its errors to a `KplugError`. */
export class PluginCaller {
  readonly #connections: Connections;
  readonly #observe: (observation: CallObservation) => void;
  readonly #hanging = new HangingInstances();

  constructor(connections: Connections, observe: (observation: CallObservation) => void = () => undefined) {
    this.#connections = connections;
    this.#observe = observe;
  }

  /**
   * Calls `Reconcile` at an instance of an implementation.
   *
   * Rejects with `PluginUnavailable` when none of its instances is reachable (then none is callable any more),
   * `DeadlineExceeded`, `InvalidResponse`, `Stopped`, or `PluginFailed` with the plugin's message.
   *
   * @param timeout time that the plugin has to answer, in milliseconds.
   */
  async reconcile(implementation: Implementation, call: PluginCall, timeout: number): Promise<PluginAnswer> {
    const deadline = Date.now() + timeout;
    return this.call(implementation, 'Reconcile', (plugin) => plugin.reconcile(call, deadline));
  }

  /** Calls `Finalize` at an instance of an implementation. Rejects as `reconcile` does. */
  async finalize(
    implementation: Implementation,
    call: PluginCall,
    cause: FinalizeCause,
    timeout: number,
  ): Promise<PluginAnswer> {
    const deadline = Date.now() + timeout;
    return this.call(implementation, 'Finalize', (plugin) => plugin.finalize(call, cause, deadline));
  }

  /** Makes another call at an instance of an implementation. Rejects as `reconcile` does. */
  async call<T>(
    implementation: Implementation,
    method: string,
    make: (plugin: PluginClient) => Promise<T>,
  ): Promise<T> {
    const tried = new Set<Instance>();
    for (;;) {
      const instance = this.#pick(implementation, tried);
      if (!instance) throw new KplugError('PluginUnavailable', `${formatPlugin(implementation)} is unreachable`);
      tried.add(instance);
      const connection = await this.#connections.open(instance).catch(passUnavailable);
      // Opening the connection may have shown that it doesn't serve this API now.
      if (!connection || instance.unserved.has(implementation.api.name)) continue;
      const startedAt = performance.now();
      const observe = (code: string) =>
        this.#observe({ plugin: implementation.plugin.text, method, code, duration: performance.now() - startedAt });
      try {
        const answer = await connection.call(make);
        observe('OK');
        this.#hanging.answered(instance);
        return answer;
      } catch (error) {
        observe(codeOf(error));
        this.#noteFailure(instance, error);
        const isGone = mayBeGone(error) && !(await this.#connections.check(instance));
        if (!isGone) throw translate(error, implementation, instance);
      }
    }
  }

  #noteFailure(instance: Instance, error: unknown): void {
    if (isConnectionError(error) || !isServiceError(error)) return;
    if (error.code === grpc.status.DEADLINE_EXCEEDED) this.#hanging.timedOut(instance);
    else this.#hanging.answered(instance);
  }

  #pick(implementation: Implementation, tried: ReadonlySet<Instance>): Instance | undefined {
    if (this.#connections.isClosed) throw new KplugError('Stopped', 'the controller is stopping');
    const { callable } = implementation;
    const untried = tried.size === 0 ? callable : callable.filter((instance) => !tried.has(instance));
    return pickInstance(this.#hanging.avoid(untried), (instance) => this.#connections.inFlight(instance));
  }
}

function passUnavailable(error: unknown): undefined {
  if (error instanceof KplugError && error.code === 'PluginUnavailable') return undefined;
  throw error;
}

/** Reports whether a call may have failed because the instance is gone. */
function mayBeGone(error: unknown): boolean {
  if (isServiceError(error)) return isConnectionError(error);
  return !isInvalidAnswer(error) && !(error instanceof RequestTooLarge);
}

function translate(error: unknown, implementation: Implementation, instance: Instance): KplugError {
  if (isInvalidAnswer(error)) {
    const message = `the answer of ${formatPlugin(implementation)} is refused: ${error.message}`;
    return new KplugError(error.code, message, { cause: error });
  }
  const who = `${formatPlugin(implementation)} at ${instance.registration.address}`;
  if (error instanceof RequestTooLarge)
    return new KplugError(error.code, `the request to ${who} is too large: ${error.message}`, { cause: error });
  if (!isServiceError(error))
    return new KplugError('PluginFailed', `${who}: ${describeFailure(error)}`, { cause: error });
  switch (error.code) {
    case grpc.status.DEADLINE_EXCEEDED:
      return new KplugError('DeadlineExceeded', `${who} didn't answer in time`, { cause: error });
    case grpc.status.RESOURCE_EXHAUSTED:
      return new KplugError('InvalidResponse', `the answer of ${who} is too large: ${error.details}`, { cause: error });
    default: {
      const message = `${who} failed with ${nameOfCode(error.code)}: ${error.details}`;
      return new KplugError('PluginFailed', message, { cause: error });
    }
  }
}

/** Reports whether the plugin answered with something invalid. */
function isInvalidAnswer(error: unknown): error is KplugError {
  return error instanceof KplugError && error.code === 'InvalidResponse';
}

function codeOf(error: unknown): string {
  if (isServiceError(error)) return nameOfCode(error.code);
  if (error instanceof RequestTooLarge) return 'RESOURCE_EXHAUSTED';
  return isInvalidAnswer(error) ? 'OK' : 'CANCELLED';
}
