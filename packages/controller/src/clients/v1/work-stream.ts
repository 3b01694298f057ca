import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  type GrpcClient,
  isServiceError,
  type PluginService,
  serviceError,
  type WorkRequestSchema,
  type WorkResponse,
} from '@kplug/protocol';

type Stream = ReturnType<GrpcClient<typeof PluginService>['work']>;

/** A call as it is sent. */
export type Work = NonNullable<MessageInitShape<typeof WorkRequestSchema>['call']>;

/** The answer to a call. */
export type WorkAnswer = WorkResponse['answer'];

interface Pending {
  resolve(answer: WorkAnswer | undefined): void;
  reject(error: grpc.ServiceError): void;
  timer: NodeJS.Timeout;
}

/** Many calls of a plugin on one stream, which costs a fraction of an RPC for each. */
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

  /** Whether it takes calls. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** For how long it has been open, in milliseconds. */
  get age(): number {
    return performance.now() - this.#openedAt;
  }

  /**
   * Makes a call. Fulfilled with `undefined` when the stream ended without an answer although the connection did not break:
   * the call has to be made by an RPC of its own. Rejects with the gRPC error.
   *
   * @param deadline when to give up, as milliseconds since the epoch.
   */
  call(work: Work, deadline: number): Promise<WorkAnswer | undefined> {
    return new Promise((resolve, reject) => {
      this.#lastId++;
      const id = this.#lastId;
      const timer = setTimeout(() => this.#giveUp(id), deadline - Date.now());
      this.#pending.set(id, { resolve, reject, timer });
      this.#stream.write({ id, call: work });
    });
  }

  /** Takes no more calls, and ends when those under way have been answered. */
  retire(): void {
    if (this.#state === 'open') this.#state = 'retired';
    this.#endWhenRetired();
  }

  /** Ends now; the calls under way are rejected. */
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

  #giveUp(id: number): void {
    const pending = this.#take(id);
    if (!pending) return;
    this.#stream.write({ id, call: { case: 'cancellation', value: {} } });
    pending.reject(serviceError(grpc.status.DEADLINE_EXCEEDED, 'the plugin did not answer in time'));
    this.#endWhenRetired();
  }

  #onEnd(error?: Error): void {
    this.#state = 'ended';
    const isBroken =
      isServiceError(error) && (error.code === grpc.status.UNAVAILABLE || error.code === grpc.status.CANCELLED);
    for (const id of [...this.#pending.keys()]) {
      if (isBroken) this.#take(id)?.reject(error);
      else this.#take(id)?.resolve(undefined);
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  #endWhenRetired(): void {
    if (this.#state === 'retired' && this.#pending.size === 0) this.#stream.end();
  }
}
