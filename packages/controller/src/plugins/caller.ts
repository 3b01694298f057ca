import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';
import { KplugError } from '../errors.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Instance } from '../registry/instance.ts';
import { pickInstance } from './balance.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';
import { describeFailure } from './describe-failure.ts';
import type { FinalizeCause, PluginAnswer, PluginCall } from './plugin-call.ts';
import { decodeFinalize, decodeReconcile, encodeCall, encodeCause } from './v1-dialect.ts';

/** How a call went, for metrics. */
export interface CallObservation {
  plugin: string;
  method: 'Reconcile' | 'Finalize';
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
    const response = await this.#call(implementation, 'Reconcile', (connection) =>
      connection.call((calls) => calls.reconcile(encodeCall(call, deadline), deadline)),
    );
    return naming(implementation, () => decodeReconcile(response, call));
  }

  /** Has a plugin undo what it made for a resource. Rejects as `reconcile` does. */
  async finalize(
    implementation: Implementation,
    call: PluginCall,
    cause: FinalizeCause,
    timeout: number,
  ): Promise<PluginAnswer> {
    const deadline = Date.now() + timeout;
    const request = { ...encodeCall(call, deadline), cause: encodeCause(cause) };
    const response = await this.#call(implementation, 'Finalize', (connection) =>
      connection.call((calls) => calls.finalize(request, deadline)),
    );
    return naming(implementation, () => decodeFinalize(response, call));
  }

  async #call<T>(
    implementation: Implementation,
    method: CallObservation['method'],
    make: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const tried = new Set<Instance>();
    for (;;) {
      const instance = this.#pick(implementation, tried);
      if (!instance) throw new KplugError('PluginUnavailable', `${describe(implementation)} can't be reached`);
      tried.add(instance);
      const connection = await this.#connections.open(instance).catch(passUnavailable);
      if (!connection) continue;
      const startedAt = performance.now();
      const observe = (code: string) =>
        this.#observe({ plugin: implementation.plugin, method, code, duration: performance.now() - startedAt });
      try {
        const response = await make(connection);
        observe('OK');
        return response;
      } catch (error) {
        observe(isServiceError(error) ? (grpc.status[error.code] ?? 'UNKNOWN') : 'CANCELLED');
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
  if (!isServiceError(error)) return true;
  return error.code === grpc.status.UNAVAILABLE || error.code === grpc.status.CANCELLED;
}

function translate(error: unknown, implementation: Implementation, instance: Instance): KplugError {
  const who = `${describe(implementation)} at ${instance.registration.address}`;
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

function naming<T>(implementation: Implementation, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof KplugError)) throw error;
    const message = `the answer of ${describe(implementation)} is refused: ${error.message}`;
    throw new KplugError(error.code, message, { cause: error });
  }
}

function describe({ plugin, version }: Implementation): string {
  return `${plugin} ${version}`;
}
