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
} from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { explainTooLarge } from './request-too-large.ts';
import { type Work, type WorkAnswer, WorkStream } from './v1/work-stream.ts';

type Request = MessageInitShape<typeof ReconcileRequestSchema | typeof FinalizeRequestSchema>;

/** Size in bytes above which a request is sent as a separate RPC, so that it doesn't delay others on the stream. */
const { maxStreamedSize } = limits.calls;

/** Age in milliseconds after which a stream is replaced, well before the server ends its connection. */
const { maxStreamAge } = limits.calls;

/** Calls of one instance: over one `Work` stream if the instance serves it, otherwise as one RPC each. */
export class PluginCalls {
  readonly #plugin: GrpcClient<typeof PluginService>;
  readonly #signal: AbortSignal;
  #stream: WorkStream | undefined;
  #servesWork = false;

  /** @param signal cancels in-flight calls. */
  constructor(plugin: GrpcClient<typeof PluginService>, signal: AbortSignal) {
    this.#plugin = plugin;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#stream?.cancel());
  }

  /** Sends further calls over a stream, as the plugin reported that it serves one. */
  useStream(): void {
    this.#servesWork = true;
  }

  /** Calls `Reconcile`. Rejects with the gRPC error. */
  async reconcile(
    request: MessageInitShape<typeof ReconcileRequestSchema>,
    deadline: number,
  ): Promise<ReconcileResponse> {
    const answer = await this.#work({ case: 'reconcile', value: request }, request, deadline);
    if (!answer) {
      const options = { deadline, signal: this.#signal };
      return await withSize(this.#plugin.reconcile(request, options), ReconcileRequestSchema, request);
    }
    if (answer.case === 'reconcile') return answer.value;
    throw mismatch('Reconcile', answer);
  }

  /** Calls `Finalize`. Rejects with the gRPC error. */
  async finalize(request: MessageInitShape<typeof FinalizeRequestSchema>, deadline: number): Promise<FinalizeResponse> {
    const answer = await this.#work({ case: 'finalize', value: request }, request, deadline);
    if (!answer) {
      const options = { deadline, signal: this.#signal };
      return await withSize(this.#plugin.finalize(request, options), FinalizeRequestSchema, request);
    }
    if (answer.case === 'finalize') return answer.value;
    throw mismatch('Finalize', answer);
  }

  async #work(work: Work, request: Request, deadline: number): Promise<WorkAnswer | undefined> {
    if (!this.#servesWork || sizeOf(request) > maxStreamedSize || this.#signal.aborted) return undefined;
    return this.#openStream().call(work, deadline);
  }

  #openStream(): WorkStream {
    const stream = this.#stream;
    if (stream?.isOpen && stream.age < maxStreamAge) return stream;
    stream?.retire();
    this.#stream = new WorkStream(this.#plugin);
    return this.#stream;
  }
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

function sizeOf({ base, extensions = {} }: Request): number {
  let size = base?.json?.length ?? 0;
  for (const key in extensions) size += extensions[key]?.json?.length ?? 0;
  return size;
}

function mismatch(method: string, answer: WorkAnswer): grpc.ServiceError {
  return serviceError(grpc.status.INTERNAL, `the response to ${method} is of type ${answer.case ?? 'none'}`);
}
