import * as grpc from '@grpc/grpc-js';
import type { Registration } from '@kplug/controller';
import { keyOf } from '@kplug/controller';
import type {
  FinalizeCause,
  PluginAnswer,
  PluginCall,
  PluginClient,
  PluginClientOptions,
  PluginTransport,
} from '@kplug/controller/internal';
import { serviceError } from '@kplug/protocol';
import type { CallRecord } from './history.ts';
import { views } from './kinds.ts';
import { connectionRefused, type PluginProcess } from './plugin-process.ts';
import type { Stage } from './stage.ts';

/** Connects a controller with the processes of plugins. */
export interface NetworkOptions {
  controller: string;
  stage: Stage;
  /** Returns the process at an address, if there is one. */
  processAt: (address: string) => PluginProcess | undefined;
  /** Returns the number of the next call. */
  nextCall: () => number;
  /** Reports whether the resource of a call, or its labels or annotations, have changed in the controller's cache. */
  isOutdated: (call: PluginCall) => boolean;
  /** Reports whether the answer to a call must be discarded, as a resource has changed in the controller's cache. */
  isStale: (call: PluginCall) => boolean;
}

/** Transport to the scripted plugins. */
export function scriptedTransport(options: NetworkOptions): PluginTransport {
  const addresses = new WeakMap<grpc.Client, string>();
  return {
    openClient: (registration, clientOptions) => {
      const client = new ScriptedClient(registration, clientOptions, options);
      addresses.set(client.grpcClient, registration.address);
      return client;
    },
    watchHealth: (client, { service }, listener) => {
      const process = options.processAt(addresses.get(client) ?? '');
      if (process?.isUp) return process.watch(service, listener);
      let isEnded = false;
      void options.stage.step('connection refused').then(() => {
        if (!isEnded) listener.onEnd('connection refused');
      });
      return () => {
        isEnded = true;
      };
    },
  };
}

/** Client of one process. */
class ScriptedClient implements PluginClient {
  readonly grpcClient = { close: () => undefined } as unknown as grpc.Client;
  readonly signal: AbortSignal;
  readonly maxMessageSize: number;
  readonly serializesCalls = false;
  readonly #registration: Registration;
  readonly #options: NetworkOptions;

  constructor(registration: Registration, { signal, maxMessageSize }: PluginClientOptions, options: NetworkOptions) {
    this.signal = signal;
    this.maxMessageSize = maxMessageSize;
    this.#registration = registration;
    this.#options = options;
  }

  async identify(deadline: number): Promise<void> {
    await this.#exchange('GetInfo', deadline, async (process) => {
      if (process.isFrozen) await new Promise(() => undefined);
    });
  }

  reconcile(call: PluginCall, deadline: number): Promise<PluginAnswer> {
    return this.#call('Reconcile', call, undefined, deadline);
  }

  finalize(call: PluginCall, cause: FinalizeCause, deadline: number): Promise<PluginAnswer> {
    return this.#call('Finalize', call, cause, deadline);
  }

  async #call(
    method: CallRecord['method'],
    call: PluginCall,
    cause: FinalizeCause | undefined,
    deadline: number,
  ): Promise<PluginAnswer> {
    const { controller, stage, nextCall, isStale } = this.#options;
    const { plugin, version, instanceId } = this.#registration;
    const { uid, generation } = call.base.metadata;
    const record: CallRecord = {
      id: nextCall(),
      controller,
      instance: instanceId,
      plugin,
      version,
      method,
      ...(cause && { cause }),
      key: keyOf(call.base),
      uid,
      generation,
      startedAt: stage.now,
      isOutdated: this.#options.isOutdated(call),
    };
    stage.happened({ type: 'call started', call: record });
    const request = { id: record.id, call, cause };
    const onServed = () => {
      record.served = true;
    };
    try {
      const answer = await this.#exchange(method, deadline, (process) => process.handle(request, onServed));
      // The controller refuses an answer with a dependent that isn't allowed.
      const isAllowed =
        cause !== undefined || (answer.dependents?.items.every(({ kind }) => kind === views.kind) ?? true);
      record.outcome = isAllowed ? answer.outcome : 'error';
      const after = answer.outcome === 'success' ? answer.requeueAfter : answer.retryAfter;
      if (after !== undefined) record.requestedAfter = after;
      return answer;
    } catch (error) {
      record.outcome = 'error';
      record.error = error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      record.endedAt = stage.now;
      record.stale = isStale(call);
      stage.happened({ type: 'call ended', call: record });
    }
  }

  /** Sends a request and receives the answer, as two steps. Rejects with the gRPC error of a deadline, or of a cancelled call. */
  async #exchange<T>(method: string, deadline: number, serve: (process: PluginProcess) => Promise<T>): Promise<T> {
    const { stage, processAt } = this.#options;
    const { address, instanceId } = this.#registration;
    const ended = Promise.withResolvers<never>();
    ended.promise.catch(() => undefined);
    const cancel = () => ended.reject(serviceError(grpc.status.CANCELLED, 'the call was cancelled'));
    if (this.signal.aborted) cancel();
    this.signal.addEventListener('abort', cancel, { once: true });
    const expire = () => ended.reject(serviceError(grpc.status.DEADLINE_EXCEEDED, 'the deadline is exceeded'));
    const timer = setTimeout(expire, Math.max(0, deadline - Date.now()));
    const exchange = async () => {
      await stage.step(`${method} arrives at ${instanceId}`);
      const process = processAt(address);
      if (!process?.isUp) throw connectionRefused();
      try {
        return await serve(process);
      } finally {
        await stage.step(`answer to ${method} of ${instanceId}`);
      }
    };
    try {
      return await Promise.race([exchange(), ended.promise]);
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener('abort', cancel);
    }
  }
}
