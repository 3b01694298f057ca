import * as grpc from '@grpc/grpc-js';
import { serviceError } from '@kplug/protocol';
import { KplugError } from '../errors.ts';
import type { Instance } from '../registry/instance.ts';
import { isConnectionError } from './grpc-error.ts';

/**
 * Failure of a call that ended without an answer although the plugin may still run it. It is made again when it has ended, at the latest
 * at its deadline.
 */
export class CallInterrupted extends KplugError {
  /** Time until the deadline of the interrupted call, in milliseconds. */
  readonly retryAfter: number;

  constructor(message: string, retryAfter: number, cause?: unknown) {
    super('PluginFailed', message, { cause });
    this.retryAfter = retryAfter;
  }
}

/** Makes the error of a call whose stream ended before the answer, while its connection is intact. */
export function streamEnded(error: grpc.ServiceError | undefined): grpc.ServiceError {
  const reason = error ? `: ${error.details}` : '';
  return serviceError(grpc.status.UNAVAILABLE, `${endOfStream}${reason}`);
}

/** Reports whether a call was sent and ended without an answer, so that the plugin may still run it. */
export function isInterrupted(error: unknown): boolean {
  return isConnectionError(error) && interruptions.test(error.details);
}

const endOfStream = 'the stream of the call ended before its answer';

/** Texts of grpc-js for calls that were sent. A plugin that answers with UNAVAILABLE itself gives another one. */
const interruptions = new RegExp(
  `^(${endOfStream}|Connection dropped|Call cancelled|cancelled by the caller|Cancelled on client)|ECONNRESET|ETIMEDOUT|EPIPE`,
  'i',
);

/** Calls that were interrupted and may still run, for plugins that don't run the calls for one resource one after another. */
export class InterruptedCalls {
  readonly #calls = new Map<string, { instance: Instance; until: number }>();

  /**
   * Adds a call.
   *
   * @param key of the plugin and the resource.
   * @param until deadline of the call, in milliseconds since the epoch.
   */
  add(key: string, instance: Instance, until: number): void {
    this.#removeEnded();
    this.#calls.set(key, { instance, until });
  }

  /** Returns the time for which a call may still run, in milliseconds; `undefined` if there is none. */
  remaining(key: string): number | undefined {
    const call = this.#calls.get(key);
    if (!call) return undefined;
    const remaining = call.until - Date.now();
    if (remaining > 0 && call.instance.state !== 'gone') return remaining;
    this.#calls.delete(key);
    return undefined;
  }

  #removeEnded(): void {
    for (const key of [...this.#calls.keys()]) this.remaining(key);
  }
}
