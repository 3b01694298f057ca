import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  type FinalizeRequestSchema,
  type FinalizeResponse,
  type GrpcClient,
  type PluginService,
  type ReconcileRequestSchema,
  type ReconcileResponse,
  serviceError,
} from '@kplug/protocol';
import { type Work, type WorkAnswer, WorkStream } from './v1/work-stream.ts';

type Request = MessageInitShape<typeof ReconcileRequestSchema | typeof FinalizeRequestSchema>;

/** A larger request goes by an RPC of its own, so that it doesn't hold up the others on the stream. In bytes. */
const largeRequest = 256 * 1024;

/** A stream is renewed when it is older, so that none is under way when its connection comes of age. In milliseconds. */
const maxStreamAge = 30 * 60_000;

/** The calls of one plugin instance: over one stream for all where it serves that, else by an RPC for each. */
export class PluginCalls {
  readonly #plugin: GrpcClient<typeof PluginService>;
  readonly #signal: AbortSignal;
  #stream: WorkStream | undefined;
  #servesWork = false;

  /** @param signal cancels the calls under way when it is aborted. */
  constructor(plugin: GrpcClient<typeof PluginService>, signal: AbortSignal) {
    this.#plugin = plugin;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#stream?.cancel());
  }

  /** From now on calls go over a stream, as the plugin said that it serves one. */
  useStream(): void {
    this.#servesWork = true;
  }

  /** Rejects with the gRPC error. */
  async reconcile(
    request: MessageInitShape<typeof ReconcileRequestSchema>,
    deadline: number,
  ): Promise<ReconcileResponse> {
    const answer = await this.#work({ case: 'reconcile', value: request }, request, deadline);
    if (!answer) return this.#plugin.reconcile(request, { deadline, signal: this.#signal });
    if (answer.case === 'reconcile') return answer.value;
    throw mismatch('Reconcile', answer);
  }

  /** Rejects with the gRPC error. */
  async finalize(request: MessageInitShape<typeof FinalizeRequestSchema>, deadline: number): Promise<FinalizeResponse> {
    const answer = await this.#work({ case: 'finalize', value: request }, request, deadline);
    if (!answer) return this.#plugin.finalize(request, { deadline, signal: this.#signal });
    if (answer.case === 'finalize') return answer.value;
    throw mismatch('Finalize', answer);
  }

  async #work(work: Work, request: Request, deadline: number): Promise<WorkAnswer | undefined> {
    if (!this.#servesWork || sizeOf(request) > largeRequest || this.#signal.aborted) return undefined;
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

function sizeOf({ base, extensions = {} }: Request): number {
  let size = base?.json?.length ?? 0;
  for (const key in extensions) size += extensions[key]?.json?.length ?? 0;
  return size;
}

function mismatch(method: string, answer: WorkAnswer): grpc.ServiceError {
  return serviceError(grpc.status.INTERNAL, `it answered a call of ${method} with ${answer.case ?? 'nothing'}`);
}
