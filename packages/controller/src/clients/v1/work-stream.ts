import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  type GrpcClient,
  type PluginService,
  serviceError,
  type WorkRequestSchema,
  type WorkResponse,
} from '@kplug/protocol';
import { limits } from '../../limits/limits.ts';
import { LongTimer } from '../../queue/long-timer.ts';
import { cutText } from '../../resources/cut-text.ts';
import { isConnectionError, isConnectionExhausted, isResponseTooLarge } from '../grpc-error.ts';
import { streamEnded } from '../interruption.ts';
import type { StreamUse } from '../plugin-client.ts';
import { readWorkResponse } from './read-work-response.ts';

type Stream = ReturnType<GrpcClient<typeof PluginService>['work']>;

/** Call to be sent. */
export type Work = NonNullable<MessageInitShape<typeof WorkRequestSchema>['call']>;

/** Response to a call. */
export type WorkAnswer = WorkResponse['answer'];

/** Properties of a stream. */
export interface WorkStreamOptions {
  /** Largest response that is accepted, in bytes. */
  maxMessageSize: number;
  /** True if the plugin runs the calls for one resource one after another, so that a call may be repeated. */
  serializesCalls: boolean;
  /** Use of streams by the instance. */
  streams: StreamUse;
}

interface Pending {
  resolve(answer: WorkAnswer | undefined): void;
  reject(error: grpc.ServiceError): void;
  timer: LongTimer;
}

const { maxTextLength } = limits.calls;

/** Calls of a plugin over one `Work` stream, at a fraction of the cost of an RPC each. */
export class WorkStream {
  readonly #stream: Stream;
  readonly #serializesCalls: boolean;
  readonly #streams: StreamUse;
  readonly #pending = new Map<number, Pending>();
  readonly #openedAt = performance.now();
  #lastId = 0;
  #state: 'open' | 'retired' | 'ended' = 'open';
  /** True when the plugin has sent anything. */
  #isAnswered = false;
  /** Error of the last response without a readable id. */
  #unreadable = '';

  constructor(
    plugin: GrpcClient<typeof PluginService>,
    { maxMessageSize, serializesCalls, streams }: WorkStreamOptions,
  ) {
    this.#serializesCalls = serializesCalls;
    this.#streams = streams;
    this.#stream = plugin.work({ decode: (bytes) => readWorkResponse(bytes, maxMessageSize) });
    this.#stream.on('metadata', () => {
      this.#isAnswered = true;
    });
    this.#stream.on('data', (response: WorkResponse) => this.#onResponse(response));
    this.#stream.on('error', (error: grpc.ServiceError) => this.#onEnd(error));
    this.#stream.on('end', () => this.#onEnd());
  }

  /** Reports whether it accepts calls. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Number of calls that wait for a response. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** Time since it was opened, in milliseconds. */
  get age(): number {
    return performance.now() - this.#openedAt;
  }

  /**
   * Makes a call. Fulfilled with `undefined` when the stream ended without a response and the call may be repeated: it must then be
   * made as a separate RPC. Rejects with the gRPC error.
   *
   * @param deadline in milliseconds since the epoch.
   */
  call(work: Work, deadline: number): Promise<WorkAnswer | undefined> {
    return new Promise((resolve, reject) => {
      this.#lastId++;
      const id = this.#lastId;
      const timer = new LongTimer(() => this.#onDeadline(id), deadline - Date.now());
      this.#pending.set(id, { resolve, reject, timer });
      this.#stream.write({ id, call: work });
    });
  }

  /** Accepts no more calls, and ends when the in-flight ones have been answered. */
  retire(): void {
    if (this.#state === 'open') this.#state = 'retired';
    this.#endWhenRetired();
  }

  /** Ends now; in-flight calls are rejected. */
  cancel(): void {
    this.#stream.cancel();
  }

  #onResponse({ id, answer }: WorkResponse): void {
    const message = answer.case === 'error' ? cutText(answer.value.message, maxTextLength) : '';
    const pending = this.#take(id);
    if (!pending) {
      if (id === 0) this.#unreadable = message;
      return;
    }
    if (answer.case === 'error') pending.reject(serviceError(answer.value.code, message));
    else pending.resolve(answer);
    this.#endWhenRetired();
  }

  #onDeadline(id: number): void {
    const pending = this.#take(id);
    if (!pending) return;
    this.#stream.write({ id, call: { case: 'cancellation', value: {} } });
    const reason = this.#unreadable && `; it sent a response without a readable id: ${this.#unreadable}`;
    pending.reject(serviceError(grpc.status.DEADLINE_EXCEEDED, `the plugin did not answer in time${reason}`));
    this.#endWhenRetired();
  }

  #onEnd(error?: grpc.ServiceError): void {
    this.#state = 'ended';
    const ids = [...this.#pending.keys()];
    if (this.#serializesCalls || !error || isConnectionError(error)) {
      for (const id of ids) this.#endCall(id, error);
      return;
    }
    this.#streams.isUnsafe = true;
    // The answer that ended the stream can only be that of the one call.
    const isOwnAnswer = ids.length === 1 && isResponseTooLarge(error);
    for (const id of ids) {
      if (isOwnAnswer) this.#take(id)?.reject(error);
      else this.#endCall(id, error);
    }
  }

  /** Ends a call without a response. */
  #endCall(id: number, error: grpc.ServiceError | undefined): void {
    const pending = this.#take(id);
    const isRefused = isConnectionExhausted(error) && !this.#isAnswered;
    if (error && (isRefused || isConnectionError(error))) pending?.reject(error);
    else if (this.#serializesCalls || isUnimplemented(error)) pending?.resolve(undefined);
    else pending?.reject(streamEnded(error));
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.timer.cancel();
    return pending;
  }

  #endWhenRetired(): void {
    if (this.#state === 'retired' && this.#pending.size === 0) this.#stream.end();
  }
}

/** Reports whether a plugin that declares `Work` doesn't serve it. */
function isUnimplemented(error: grpc.ServiceError | undefined): boolean {
  return error?.code === grpc.status.UNIMPLEMENTED;
}
