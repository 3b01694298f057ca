import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  FinalizeRequestSchema,
  type FinalizeResponse,
  type GrpcClient,
  type PluginService,
  ReconcileRequestSchema,
  type ReconcileResponse,
  serviceError,
  type UnaryCallOptions,
} from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import type { PluginClientOptions, StreamUse } from './plugin-client.ts';
import { explainTooLarge } from './request-too-large.ts';
import { traceMetadata } from './trace-metadata.ts';
import { type Work, type WorkAnswer, WorkStream } from './v1/work-stream.ts';

type Request = MessageInitShape<typeof ReconcileRequestSchema | typeof FinalizeRequestSchema>;

/** Size in bytes above which a request is sent as a separate RPC, so that it doesn't delay others on the stream. */
const { maxStreamedSize } = limits.calls;

/** Age in milliseconds after which a stream is replaced, well before the server ends its connection. */
const { maxStreamAge } = limits.calls;

/** gRPC sends one message of a stream at a time. Those of several streams leave the process together, as one TLS record. */
const { maxWorkStreams, busyStreamCalls } = limits.calls;

/** Calls of one instance: over a few `Work` streams if the instance serves them, otherwise as one RPC each. */
export class PluginCalls {
  readonly #plugin: GrpcClient<typeof PluginService>;
  readonly #signal: AbortSignal;
  readonly #maxMessageSize: number;
  readonly #streams: StreamUse;
  #workStreams: WorkStream[] = [];
  #servesWork = false;
  #serializesCalls = false;

  /**
   * @param options.signal cancels in-flight calls.
   * @param options.maxMessageSize largest response that is accepted, in bytes.
   * @param options.streams use of streams by the instance.
   */
  constructor(
    plugin: GrpcClient<typeof PluginService>,
    { signal, maxMessageSize, streams }: Pick<PluginClientOptions, 'signal' | 'maxMessageSize' | 'streams'>,
  ) {
    this.#plugin = plugin;
    this.#signal = signal;
    this.#maxMessageSize = maxMessageSize;
    this.#streams = streams;
    signal.addEventListener('abort', () => {
      for (const stream of this.#workStreams) stream.cancel();
    });
  }

  /** Makes further calls as the plugin declares in `GetInfo`: over a stream if it serves one. */
  configure({ servesWork, serializesCalls }: { servesWork: boolean; serializesCalls: boolean }): void {
    this.#servesWork = servesWork;
    this.#serializesCalls = serializesCalls;
  }

  /** True if the plugin runs the calls for one resource one after another. */
  get serializesCalls(): boolean {
    return this.#serializesCalls;
  }

  /** Calls `Reconcile`. Rejects with the gRPC error. */
  async reconcile(
    request: MessageInitShape<typeof ReconcileRequestSchema>,
    deadline: number,
  ): Promise<ReconcileResponse> {
    const answer = await this.#work({ case: 'reconcile', value: request }, request, deadline);
    if (!answer) {
      return await withSize(
        this.#plugin.reconcile(request, this.#options(deadline, request)),
        ReconcileRequestSchema,
        request,
      );
    }
    if (answer.case === 'reconcile') return answer.value;
    throw mismatch('Reconcile', answer);
  }

  /** Calls `Finalize`. Rejects with the gRPC error. */
  async finalize(request: MessageInitShape<typeof FinalizeRequestSchema>, deadline: number): Promise<FinalizeResponse> {
    const answer = await this.#work({ case: 'finalize', value: request }, request, deadline);
    if (!answer) {
      return await withSize(
        this.#plugin.finalize(request, this.#options(deadline, request)),
        FinalizeRequestSchema,
        request,
      );
    }
    if (answer.case === 'finalize') return answer.value;
    throw mismatch('Finalize', answer);
  }

  async #work(work: Work, request: Request, deadline: number): Promise<WorkAnswer | undefined> {
    const usesStream = this.#servesWork && !this.#streams.isUnsafe;
    if (!usesStream || sizeOf(request) > maxStreamedSize || this.#signal.aborted) return undefined;
    return this.#chooseStream().call(work, deadline);
  }

  /** Returns the stream with the fewest calls, or another one while all are busy and there may be more. */
  #chooseStream(): WorkStream {
    if (this.#workStreams.some((stream) => !stream.isOpen)) {
      this.#workStreams = this.#workStreams.filter((stream) => stream.isOpen);
    }
    const stream = leastBusy(this.#workStreams);
    const isBusy = stream && stream.inFlight >= busyStreamCalls;
    if (!stream || (isBusy && this.#workStreams.length < maxWorkStreams)) return this.#openStream();
    if (stream.age < maxStreamAge) return stream;
    stream.retire();
    return this.#openStream();
  }

  #openStream(): WorkStream {
    const stream = new WorkStream(this.#plugin, {
      maxMessageSize: this.#maxMessageSize,
      serializesCalls: this.#serializesCalls,
      streams: this.#streams,
    });
    this.#workStreams.push(stream);
    return stream;
  }

  #options(deadline: number, { context }: Request): UnaryCallOptions {
    return {
      ...traceMetadata(context),
      deadline,
      signal: this.#signal,
      maxResponseSize: this.#maxMessageSize,
      maxResponseFields: limits.calls.maxAnswerFields,
    };
  }
}

function leastBusy(streams: readonly WorkStream[]): WorkStream | undefined {
  let found = streams[0];
  for (const stream of streams) if (found && stream.inFlight < found.inFlight) found = stream;
  return found;
}

/** Distinguishes a request that was too large from a response that was. */
async function withSize<T, S extends DescMessage>(
  call: Promise<T>,
  schema: S,
  request: MessageInitShape<S>,
): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw explainTooLarge(error, () => toBinary(schema, create(schema, request)).length);
  }
}

function sizeOf({ base, extensions = {}, dependents = {} }: Request): number {
  let size = base?.json?.length ?? 0;
  for (const key in extensions) size += extensions[key]?.json?.length ?? 0;
  for (const key in dependents) size += dependents[key]?.json?.length ?? 0;
  return size;
}

function mismatch(method: string, answer: WorkAnswer): grpc.ServiceError {
  return serviceError(grpc.status.INTERNAL, `the response to ${method} is of type ${answer.case ?? 'none'}`);
}
