import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  type GrpcHandlers,
  type PluginService,
  toServiceError,
  type WorkRequest,
  type WorkResponseSchema,
} from '@kplug/protocol';
import type { PluginHandlers } from './plugin-service.ts';

type Stream = Parameters<GrpcHandlers<typeof PluginService>['work']>[0];
type Answer = NonNullable<MessageInitShape<typeof WorkResponseSchema>['answer']>;

/** Serves `Work`: many calls over one stream. */
export class WorkService {
  readonly #handlers: PluginHandlers;
  readonly #streams = new Set<WorkStream>();

  constructor(handlers: PluginHandlers) {
    this.#handlers = handlers;
  }

  /** Serves one stream. */
  serve(stream: Stream): void {
    const work = new WorkStream(stream, this.#handlers);
    this.#streams.add(work);
    const forget = () => this.#streams.delete(work);
    stream.on('finish', forget);
    stream.on('cancelled', forget);
  }

  /** Ends each stream as soon as its calls have been answered, so that the controller sends no more. */
  end(): void {
    for (const work of this.#streams) work.end();
  }
}

class WorkStream {
  readonly #stream: Stream;
  readonly #handlers: PluginHandlers;
  readonly #inFlight = new Map<number, AbortController>();
  #isEnding = false;

  constructor(stream: Stream, handlers: PluginHandlers) {
    this.#stream = stream;
    this.#handlers = handlers;
    stream.on('data', (request: WorkRequest) => void this.#onRequest(request));
    stream.on('end', () => this.end());
    stream.on('cancelled', () => {
      for (const aborted of this.#inFlight.values()) aborted.abort();
    });
  }

  end(): void {
    this.#isEnding = true;
    if (this.#inFlight.size === 0) this.#stream.end();
  }

  async #onRequest({ id, call }: WorkRequest): Promise<void> {
    if (call.case === 'cancellation') {
      this.#inFlight.get(id)?.abort();
      return;
    }
    const aborted = new AbortController();
    this.#inFlight.set(id, aborted);
    const answer = await this.#answer(call, aborted.signal);
    this.#inFlight.delete(id);
    if (!aborted.signal.aborted) this.#stream.write({ id, answer });
    if (this.#isEnding) this.end();
  }

  async #answer(call: WorkRequest['call'], signal: AbortSignal): Promise<Answer> {
    try {
      switch (call.case) {
        case 'reconcile':
          return { case: 'reconcile', value: await this.#handlers.reconcile(call.value, signal) };
        case 'finalize':
          return { case: 'finalize', value: await this.#handlers.finalize(call.value, signal) };
        default:
          return encodeError(grpc.status.UNIMPLEMENTED, 'this plugin does not support the call');
      }
    } catch (error) {
      const { code, details } = toServiceError(error);
      return encodeError(code, details);
    }
  }
}

function encodeError(code: grpc.status, message: string): Answer {
  return { case: 'error', value: { code, message } };
}
