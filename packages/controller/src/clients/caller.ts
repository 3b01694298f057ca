import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';
import { KplugError } from '../errors.ts';
import { formatPlugin } from '../names.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Instance } from '../registry/instance.ts';
import { pickInstance } from './balance.ts';
import type { Connections } from './connections.ts';
import { describeFailure } from './describe-failure.ts';
import type { FinalizeCause, PluginAnswer, PluginCall } from './plugin-call.ts';
import type { PluginClient } from './plugin-client.ts';

/** How a call went, for metrics. */
export interface CallObservation {
  plugin: string;
  /** The RPC's name: `Reconcile`, `Finalize`, or one of an API of the operator's own. */
  method: string;
  /** A gRPC status code by name, such as `OK`. */
  code: string;
  /** Milliseconds. */
  duration: number;
}

/** Calls plugins: picks an instance, makes the call, and says in Kplug's own terms how it went. */
export class PluginCaller {
  readonly #connections: Connections;
  readonly #observe: (observation: CallObservation) => void;

  constructor(connections: Connections, observe: (observation: CallObservation) => void = () => undefined) {
    this.#connections = connections;
    this.#observe = observe;
  }

  /**
   * Has a resource reconciled by an instance of an implementation.
   *
   * Rejects with `PluginUnavailable` when no instance of it can be reached (and then it has no callable one left),
   * `DeadlineExceeded`, `InvalidResponse`, `Stopped`, or `PluginFailed` with what the plugin said.
   *
   * @param timeout how long the plugin has, in milliseconds.
   */
  async reconcile(implementation: Implementation, call: PluginCall, timeout: number): Promise<PluginAnswer> {
    const deadline = Date.now() + timeout;
    return this.call(implementation, 'Reconcile', (plugin) => plugin.reconcile(call, deadline));
  }

  /** Has a plugin undo what it made for a resource. Rejects as `reconcile` does. */
  async finalize(
    implementation: Implementation,
    call: PluginCall,
    cause: FinalizeCause,
    timeout: number,
  ): Promise<PluginAnswer> {
    const deadline = Date.now() + timeout;
    return this.call(implementation, 'Finalize', (plugin) => plugin.finalize(call, cause, deadline));
  }

  /** Makes any other call of an instance of an implementation. Rejects as `reconcile` does. */
  async call<T>(
    implementation: Implementation,
    method: string,
    make: (plugin: PluginClient) => Promise<T>,
  ): Promise<T> {
    const tried = new Set<Instance>();
    for (;;) {
      const instance = this.#pick(implementation, tried);
      if (!instance) throw new KplugError('PluginUnavailable', `${formatPlugin(implementation)} can't be reached`);
      tried.add(instance);
      const connection = await this.#connections.open(instance).catch(passUnavailable);
      // What it says of this API is known only once it is connected to.
      if (!connection || instance.unserved.has(implementation.api.name)) continue;
      const startedAt = performance.now();
      const observe = (code: string) =>
        this.#observe({ plugin: implementation.plugin.text, method, code, duration: performance.now() - startedAt });
      try {
        const answer = await connection.call(make);
        observe('OK');
        return answer;
      } catch (error) {
        observe(codeOf(error));
        const isGone = isConnectionFailure(error) && !(await this.#connections.check(instance));
        if (!isGone) throw translate(error, implementation, instance);
      }
    }
  }

  #pick(implementation: Implementation, tried: ReadonlySet<Instance>): Instance | undefined {
    if (this.#connections.isClosed) throw new KplugError('Stopped', 'the controller is stopping');
    const { callable } = implementation;
    const untried = tried.size === 0 ? callable : callable.filter((instance) => !tried.has(instance));
    return pickInstance(untried, (instance) => this.#connections.inFlight(instance));
  }
}

function passUnavailable(error: unknown): undefined {
  if (error instanceof KplugError && error.code === 'PluginUnavailable') return undefined;
  throw error;
}

/** Whether a call may have failed because the instance is no longer there. */
function isConnectionFailure(error: unknown): boolean {
  if (!isServiceError(error)) return !isRefusal(error);
  return error.code === grpc.status.UNAVAILABLE || error.code === grpc.status.CANCELLED;
}

function translate(error: unknown, implementation: Implementation, instance: Instance): KplugError {
  if (isRefusal(error)) {
    const message = `the answer of ${formatPlugin(implementation)} is refused: ${error.message}`;
    return new KplugError(error.code, message, { cause: error });
  }
  const who = `${formatPlugin(implementation)} at ${instance.registration.address}`;
  if (!isServiceError(error))
    return new KplugError('PluginFailed', `${who}: ${describeFailure(error)}`, { cause: error });
  switch (error.code) {
    case grpc.status.DEADLINE_EXCEEDED:
      return new KplugError('DeadlineExceeded', `${who} didn't answer in time`, { cause: error });
    case grpc.status.RESOURCE_EXHAUSTED:
      return new KplugError('InvalidResponse', `${who} answered too much: ${error.details}`, { cause: error });
    default: {
      const code = grpc.status[error.code] ?? error.code;
      return new KplugError('PluginFailed', `${who} failed with ${code}: ${error.details}`, { cause: error });
    }
  }
}

/** Whether the plugin answered, with something that is not to be used. */
function isRefusal(error: unknown): error is KplugError {
  return error instanceof KplugError && error.code === 'InvalidResponse';
}

function codeOf(error: unknown): string {
  if (isServiceError(error)) return grpc.status[error.code] ?? 'UNKNOWN';
  return isRefusal(error) ? 'OK' : 'CANCELLED';
}
