import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { formatPlugin } from '../names.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Instance } from '../registry/instance.ts';
import { cutText } from '../resources/cut-text.ts';
import { keyOf, type ResourceKey } from '../resources/resource.ts';
import { pickInstance } from './balance.ts';
import type { CallAttempt, CallAttempts, CallObserver, ObservedAttempt } from './call-observer.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';
import { describeFailure } from './describe-failure.ts';
import { isConnectionError, isConnectionExhausted, isResponseTooLarge, nameOfCode } from './grpc-error.ts';
import { HangingInstances } from './hanging-instances.ts';
import { CallInterrupted, InterruptedCalls, isInterrupted } from './interruption.ts';
import type { CallTrace, FinalizeCause, PluginAnswer, PluginCall } from './plugin-call.ts';
import type { PluginClient } from './plugin-client.ts';
import type { CallRecorder, EndedCall } from './recording/call-recorder.ts';
import { RequestTooLarge } from './request-too-large.ts';

const { maxTextLength } = limits.calls;

/** Options of a call. */
interface CallOptions<T> {
  /** Makes the error of a call that may still run in the plugin. */
  onInterrupted?: (error: unknown, instance: Instance) => KplugError;
  /** Largest number of concurrent calls to an instance of the first Kplug's protocol. Others have no limit. */
  v0Concurrency?: number;
  /** Base resource of the call. */
  resource?: ResourceKey;
  /** Called at the end of each attempt, with its content. */
  onEnd?: ((attempt: EndedAttempt<T>) => void) | undefined;
  /** Makes each attempt. Default: nobody observes them. */
  attempts?: CallAttempts | undefined;
}

/** Makes a call of a plugin, for a trace if there is one. */
type MakeCall<T> = (plugin: PluginClient, trace?: CallTrace) => Promise<T>;

const unobserved: ObservedAttempt = { trace: undefined, isTraced: false, ended: () => undefined };

/** Call that is made at one instance after another. */
interface Called<T> {
  implementation: Implementation;
  method: string;
  resource: ResourceKey | undefined;
  onEnd: ((attempt: EndedAttempt<T>) => void) | undefined;
}

/** Attempt to make a call, with its content. */
interface EndedAttempt<T = PluginAnswer> extends Pick<EndedCall, 'instance' | 'at' | 'took' | 'code' | 'error'> {
  answer?: T;
}

/** Instance that is called, with the connection to it. Its disposal admits the next call to an instance that limits them. */
interface Target extends Disposable {
  instance: Instance;
  connection: Connection;
}

/** Calls plugins: picks an instance, makes the call, and translates its errors to a `KplugError`. */
export class PluginCaller {
  readonly #connections: Connections;
  readonly #observer: CallObserver | undefined;
  readonly #recorder: CallRecorder | undefined;
  readonly #interrupted = new InterruptedCalls();
  readonly #hanging = new HangingInstances();

  /** @param recorder records the calls for resources. Default: none is recorded. */
  constructor(connections: Connections, observer?: CallObserver, recorder?: CallRecorder) {
    this.#connections = connections;
    this.#observer = observer;
    this.#recorder = recorder;
  }

  /**
   * Calls `Reconcile` at an instance of an implementation.
   *
   * A call that may still run, because its connection or stream ended before the answer, is not made again until it has ended. Rejects
   * with `CallInterrupted` until then.
   *
   * Rejects with `PluginUnavailable` when none of its instances is reachable (then none is callable any more),
   * `DeadlineExceeded`, `InvalidResponse`, `Stopped`, or `PluginFailed` with the plugin's message.
   *
   * @param timeout time that the plugin has to answer, in milliseconds. The time that a call waits for its turn doesn't count.
   * @param attempts makes each attempt, so that it is observed.
   */
  async reconcile(
    implementation: Implementation,
    call: PluginCall,
    timeout: number,
    attempts?: CallAttempts,
  ): Promise<PluginAnswer> {
    const make = (plugin: PluginClient, deadline: number, trace?: CallTrace) =>
      plugin.reconcile(trace ? { ...call, trace } : call, deadline);
    return this.#callOnce(implementation, 'Reconcile', call, timeout, { make, attempts });
  }

  /** Calls `Finalize` at an instance of an implementation. Rejects as `reconcile` does. */
  async finalize(
    implementation: Implementation,
    call: PluginCall,
    cause: FinalizeCause,
    timeout: number,
    attempts?: CallAttempts,
  ): Promise<PluginAnswer> {
    const make = (plugin: PluginClient, deadline: number, trace?: CallTrace) =>
      plugin.finalize(trace ? { ...call, trace } : call, cause, deadline);
    return this.#callOnce(implementation, 'Finalize', call, timeout, { make, attempts, cause });
  }

  /** Makes a call unless an earlier one for the resource may still run. */
  async #callOnce(
    implementation: Implementation,
    method: string,
    call: PluginCall,
    timeout: number,
    {
      make,
      attempts,
      cause,
    }: {
      make: (plugin: PluginClient, deadline: number, trace?: CallTrace) => Promise<PluginAnswer>;
      attempts: CallAttempts | undefined;
      cause?: FinalizeCause;
    },
  ): Promise<PluginAnswer> {
    const { base, v0 } = call;
    const key = `${implementation.plugin.key} ${base.metadata.uid}`;
    const remaining = this.#interrupted.remaining(key);
    if (remaining !== undefined) throw interruption(implementation, remaining);
    let deadline = 0;
    const makeInTime = (plugin: PluginClient, trace?: CallTrace) => {
      deadline = Date.now() + timeout;
      return make(plugin, deadline, trace);
    };
    const onInterrupted = (error: unknown, instance: Instance) => {
      this.#interrupted.add(key, instance, deadline);
      return interruption(implementation, deadline - Date.now(), error);
    };
    const recorder = this.#recorder;
    const onEnd = recorder && ((attempt: EndedAttempt) => recorder.record({ method, call, cause, ...attempt }));
    const { concurrency: v0Concurrency } = v0;
    const options = { onInterrupted, v0Concurrency, resource: keyOf(base), attempts, onEnd };
    return this.call(implementation, method, makeInTime, options);
  }

  /** Makes another call at an instance of an implementation. Rejects as `reconcile` does. */
  async call<T>(
    implementation: Implementation,
    method: string,
    make: MakeCall<T>,
    { onInterrupted, v0Concurrency = Number.POSITIVE_INFINITY, resource, attempts, onEnd }: CallOptions<T> = {},
  ): Promise<T> {
    const tried = new Set<Instance>();
    let isRepeated = false;
    for (;;) {
      using target = await this.#open(implementation, tried, v0Concurrency);
      const called = { implementation, method, resource, onEnd };
      try {
        if (!attempts) return await this.#attempt(called, target, make, unobserved);
        const attempt = attemptOf(method, target);
        return await attempts.run(attempt, (observed) => this.#attempt(called, target, make, observed));
      } catch (error) {
        const next = await this.#afterFailure(error, target);
        if (next === 'fail' || (next === 'repeat' && isRepeated))
          throw interruptionOf(error, target, onInterrupted) ?? translate(error, implementation, target.instance);
        if (next === 'repeat') {
          isRepeated = true;
          tried.delete(target.instance);
        }
      }
    }
  }

  /** Makes a call at one instance. Rejects with its error as it is. */
  async #attempt<T>(
    { implementation, method, resource, onEnd }: Called<T>,
    { instance, connection }: Target,
    make: MakeCall<T>,
    observed: ObservedAttempt,
  ): Promise<T> {
    const startedAt = performance.now();
    const at = Date.now();
    const { text: plugin } = implementation.plugin;
    const observe = (code: string, { answer, error }: { answer?: T; error?: unknown }) => {
      const duration = performance.now() - startedAt;
      const shown = error === undefined ? undefined : translate(error, implementation, instance);
      observed.ended(code, shown);
      this.#observer?.called({
        plugin,
        method,
        ...(resource !== undefined && { resource }),
        code,
        failed: error !== undefined,
        ...(shown && { error: { reason: reasonOf(code, shown), message: shown.message } }),
        duration,
        ...(observed.isTraced && observed.trace && { traceparent: observed.trace.traceparent }),
      });
      const ended = { instance, at, took: duration, code };
      onEnd?.({ ...ended, ...(answer !== undefined && { answer }), ...(shown && { error: shown.message }) });
    };
    this.#observer?.calling(plugin);
    try {
      const answer = await connection.call((client) => make(client, observed.trace));
      observe('OK', { answer });
      this.#hanging.answered(instance);
      return answer;
    } catch (error) {
      observe(codeOf(error), { error });
      this.#noteFailure(instance, error);
      throw error;
    }
  }

  /** Opens a connection to an instance that wasn't tried yet. Rejects with `PluginUnavailable` if there is none. */
  async #open(implementation: Implementation, tried: Set<Instance>, v0Concurrency: number): Promise<Target> {
    for (;;) {
      const instance = this.#pick(implementation, tried);
      if (!instance) throw new KplugError('PluginUnavailable', `${formatPlugin(implementation)} is unreachable`);
      tried.add(instance);
      const { protocol, address } = instance.registration;
      const slot = protocol === 'kplug' ? await this.#connections.slots.take(address, v0Concurrency) : undefined;
      const release = () => slot?.[Symbol.dispose]();
      let isHeld = false;
      try {
        const connection = await this.#connections.open(instance).catch(passUnavailable);
        // Opening the connection may have shown that it doesn't serve this API now.
        if (!connection || instance.unserved.has(implementation.api.name)) continue;
        isHeld = true;
        return { instance, connection, [Symbol.dispose]: release };
      } finally {
        if (!isHeld) release();
      }
    }
  }

  /** Decides what follows a failed call: the same one on another connection, one at another instance, or its failure. */
  async #afterFailure(error: unknown, { instance, connection }: Target): Promise<'repeat' | 'other instance' | 'fail'> {
    if (isConnectionExhausted(error))
      return (await this.#connections.replace(instance, connection)) ? 'repeat' : 'other instance';
    return mayBeGone(error) && !(await this.#connections.check(instance)) ? 'other instance' : 'fail';
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
    return pickInstance(this.#hanging.avoid(untried), (instance) => this.#connections.load(instance));
  }
}

function attemptOf(method: string, { instance: { registration } }: Target): CallAttempt {
  const { plugin, version, instanceId: instance, address, protocol } = registration;
  return { method, plugin, version, instance, address, protocol };
}

function interruption(implementation: Implementation, remaining: number, cause?: unknown): CallInterrupted {
  const seconds = Math.ceil(remaining / 1_000);
  const reason = isServiceError(cause) ? ` (${cutText(cause.details, maxTextLength)})` : '';
  const message = `a call of ${formatPlugin(implementation)} was interrupted${reason} and may still run; it is called again in ${seconds} s, at the deadline of that call`;
  return new CallInterrupted(message, Math.max(remaining, 0), cause);
}

/** Makes the error of a call that may still run in the plugin; `undefined` for another call. */
function interruptionOf(
  error: unknown,
  { instance, connection }: Target,
  make: ((error: unknown, instance: Instance) => KplugError) | undefined,
): KplugError | undefined {
  return isInterrupted(error) && !connection.serializesCalls ? make?.(error, instance) : undefined;
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
  const details = cutText(error.details, maxTextLength);
  if (isConnectionExhausted(error)) {
    const message = `${who} refused the call on a new connection too: ${details}; its server limits the memory of a connection`;
    return new KplugError('PluginFailed', message, { cause: error });
  }
  if (isResponseTooLarge(error)) {
    const message = `the answer of ${who} is too large: ${details}; return less`;
    return new KplugError('InvalidResponse', message, { cause: error });
  }
  switch (error.code) {
    case grpc.status.DEADLINE_EXCEEDED:
      return new KplugError('DeadlineExceeded', `${who} didn't answer in time`, { cause: error });
    default: {
      const message = `${who} failed with ${nameOfCode(error.code)}: ${details}`;
      return new KplugError('PluginFailed', message, { cause: error });
    }
  }
}

/** Reports whether the plugin answered with something invalid. */
function isInvalidAnswer(error: unknown): error is KplugError {
  return error instanceof KplugError && error.code === 'InvalidResponse';
}

/** Returns the reason of a failed call: its gRPC code as one word, or why its answer is refused. */
function reasonOf(code: string, { code: reason }: KplugError): string {
  if (code === 'OK') return reason;
  return code.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function codeOf(error: unknown): string {
  if (isServiceError(error)) return nameOfCode(error.code);
  if (error instanceof RequestTooLarge) return 'RESOURCE_EXHAUSTED';
  return isInvalidAnswer(error) ? 'OK' : 'CANCELLED';
}
