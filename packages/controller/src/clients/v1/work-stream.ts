import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  type GrpcClient,
  type PluginService,
  serviceError,
  type WorkRequestSchema,
  type WorkResponse,
} from '@kplug/protocol';
import { LongTimer } from '../../queue/long-timer.ts';
import { isConnectionError } from '../grpc-error.ts';

type Stream = ReturnType<GrpcClient<typeof PluginService>['work']>;

/** Call to be sent. */
export type Work = NonNullable<MessageInitShape<typeof WorkRequestSchema>['call']>;

/** Response to a call. */
export type WorkAnswer = WorkResponse['answer'];

interface Pending {
  resolve(answer: WorkAnswer | undefined): void;
  reject(error: grpc.ServiceError): void;
  timer: LongTimer;
}

/** Calls of a plugin over one `Work` stream, at a fraction of the cost of an RPC each. */
export class WorkStream {
  readonly #stream: Stream;
  readonly #pending = new Map<number, Pending>();
  readonly #openedAt = performance.now();
  #lastId = 0;
  #state: 'open' | 'retired' | 'ended' = 'open';

  constructor(plugin: GrpcClient<typeof PluginService>) {
    this.#stream = plugin.work();
    this.#stream.on('data', (response: WorkResponse) => this.#onResponse(response));
    this.#stream.on('error', (error: Error) => this.#onEnd(error));
    this.#stream.on('end', () => this.#onEnd());
  }

  /** Reports whether it accepts calls. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Time since it was opened, in milliseconds. */
  get age(): number {
    return performance.now() - this.#openedAt;
  }

  /**
   * Makes a call. Fulfilled with `undefined` when the stream ended without a response although the connection didn't break:
   * the call must then be made as a separate RPC. Rejects with the gRPC error.
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
    const pending = this.#take(id);
    if (!pending) return;
    if (answer.case === 'error') pending.reject(serviceError(answer.value.code, answer.value.message));
    else pending.resolve(answer);
    this.#endWhenRetired();
  }

  #onDeadline(id: number): void {
    const pending = this.#take(id);
    if (!pending) return;
    this.#stream.write({ id, call: { case: 'cancellation', value: {} } });
    pending.reject(serviceError(grpc.status.DEADLINE_EXCEEDED, 'the plugin did not answer in time'));
    this.#endWhenRetired();
  }

  #onEnd(error?: Error): void {
    this.#state = 'ended';
    for (const id of [...this.#pending.keys()]) {
      if (isConnectionError(error)) this.#take(id)?.reject(error);
      else this.#take(id)?.resolve(undefined);
    }
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
