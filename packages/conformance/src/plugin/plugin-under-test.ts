import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import type { Resource } from '@kplug/controller';
import {
  createGrpcClient,
  type FinalizeRequestSchema,
  type FinalizeResponse,
  type GetInfoResponse,
  type GrpcClient,
  isServiceError,
  Outcome,
  PluginService,
  type ReconcileRequestSchema,
  type ReconcileResponse,
} from '@kplug/protocol';
import { NotTried } from '../requirement.ts';
import { describeAnswer } from './describe-answer.ts';
import type { Life } from './life.ts';
import { byKey, encode, type Sample } from './sample.ts';

/** A call that was made, and how it ended. */
export interface CallMade {
  method: 'Reconcile' | 'Finalize';
  /** The keys of the extensions that were sent. */
  keys: ReadonlySet<string>;
  answer?: ReconcileResponse | FinalizeResponse;
  error?: grpc.ServiceError;
}

/** What a plugin is tried with. */
export interface PluginTrial {
  address: string;
  info: GetInfoResponse;
  sample: Sample;
  /** How long a call may take, in milliseconds. */
  timeout: number;
  /** Its process and what it says to its controller; `undefined` when only its address is known. */
  life: Life | undefined;
  /** Whether it answered at its address. */
  isReached: boolean;
}

/** The plugin that is tried, from a controller's side. */
export class PluginUnderTest implements Disposable {
  readonly info: GetInfoResponse;
  readonly sample: Sample;
  readonly timeout: number;
  /** Every call of Reconcile and Finalize that was answered, or ended with an error. */
  readonly calls: CallMade[] = [];
  readonly #client: GrpcClient<typeof PluginService>;
  readonly #isReached: boolean;
  readonly #life: Life | undefined;
  #settled: Promise<ReconcileResponse> | undefined;

  constructor({ address, info, sample, timeout, life, isReached }: PluginTrial) {
    const credentials = grpc.credentials.createInsecure();
    this.#client = createGrpcClient(PluginService, address, credentials, { 'grpc.use_local_subchannel_pool': 1 });
    this.info = info;
    this.sample = sample;
    this.timeout = timeout;
    this.#life = life;
    this.#isReached = isReached;
  }

  /** Calls it. Throws `NotTried` when it can't be reached at all. */
  get client(): GrpcClient<typeof PluginService> {
    if (this.#isReached) return this.#client;
    throw new NotTried("it isn't reached at the address that it registered; see P4");
  }

  /** Its process and what it says. Throws `NotTried` when only its address is known. */
  get life(): Life {
    if (this.#life) return this.#life;
    throw new NotTried('only an address was given; let the plugin be started: kplug conformance plugin -- COMMAND');
  }

  /** Whether it answered when it was looked for. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** Whether its process is known. */
  get hasLife(): boolean {
    return this.#life !== undefined;
  }

  /** What a controller sends for a base. */
  request(base: Resource = this.sample.base, extensions: readonly Resource[] = this.sample.extensions) {
    const { apis } = this.info;
    const deadline = Date.now() + this.timeout;
    return {
      base: { json: encode(base) },
      extensions: byKey(extensions),
      assignment: {
        delegation: 'conformance',
        api: apis[0]?.name ?? '',
        apiVersion: apis[0]?.version ?? '',
        reason: 'Preferred',
        message: 'it is tried for conformance',
      },
      context: { attempt: 1, deadline: timestampFromMs(deadline) },
    };
  }

  /** Calls Reconcile. Rejects with the gRPC error, or with `NotTried` when the deadline passed, which P25 is about. */
  reconcile(
    request: MessageInitShape<typeof ReconcileRequestSchema> = this.request(),
    signal?: AbortSignal,
  ): Promise<ReconcileResponse> {
    const options = { deadline: Date.now() + this.timeout, ...(signal && { signal }) };
    return this.#record('Reconcile', Object.keys(request.extensions ?? {}), this.client.reconcile(request, options));
  }

  /** Calls Finalize. Rejects as `reconcile` does. */
  finalize(request: MessageInitShape<typeof FinalizeRequestSchema> = this.request()): Promise<FinalizeResponse> {
    const options = { deadline: Date.now() + this.timeout };
    return this.#record('Finalize', Object.keys(request.extensions ?? {}), this.client.finalize(request, options));
  }

  /** The answer that reconciles the sample, the first time that it is asked for. Rejects with `NotTried` where there is none. */
  async reconciled(): Promise<ReconcileResponse> {
    this.#settled ??= this.retrying(() => this.reconcile());
    const answer = await this.#settled.catch((error: unknown) => {
      if (error instanceof NotTried) throw error;
      throw new NotTried(`the resource can't be reconciled: ${describeAnswer(error)}`);
    });
    if (answer.outcome === Outcome.SUCCESS) return answer;
    const advice = this.sample.isGiven ? 'see P16' : 'give one that it can reconcile, with --resource';
    throw new NotTried(`the resource isn't reconciled: ${describeAnswer(answer)}; ${advice}`);
  }

  /** Calls as a controller does: again, as long as it is answered with RETRY and there is time. */
  async retrying<A extends FinalizeResponse | ReconcileResponse>(call: () => Promise<A>): Promise<A> {
    const end = Date.now() + this.timeout;
    for (;;) {
      const answer = await call();
      const wait = answer.retryAfter ? durationMs(answer.retryAfter) : 200;
      if (answer.outcome !== Outcome.RETRY || Date.now() + wait > end) return answer;
      await delay(wait);
    }
  }

  [Symbol.dispose](): void {
    this.#client.$client.close();
  }

  async #record<A extends ReconcileResponse | FinalizeResponse>(
    method: CallMade['method'],
    keys: readonly string[],
    call: Promise<A>,
  ): Promise<A> {
    const made: CallMade = { method, keys: new Set(keys) };
    try {
      const answer = await call;
      this.calls.push({ ...made, answer });
      return answer;
    } catch (error) {
      if (!isServiceError(error)) throw error;
      this.calls.push({ ...made, error });
      if (error.code === grpc.status.DEADLINE_EXCEEDED) throw new NotTried(`${method} wasn't answered; see P25`);
      throw error;
    }
  }
}
