import { setTimeout as delay } from 'node:timers/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import type { Resource } from '@kplug/controller';
import {
  createGrpcClient,
  type FinalizeRequest,
  FinalizeRequestSchema,
  type FinalizeResponse,
  type GetInfoResponse,
  type GrpcClient,
  isServiceError,
  Outcome,
  PluginService,
  type ReconcileRequest,
  ReconcileRequestSchema,
  type ReconcileResponse,
} from '@kplug/protocol';
import { NotTried } from '../requirement.ts';
import { describeAnswer } from './describe-answer.ts';
import type { PluginRun } from './plugin-run.ts';
import { ReportedOperations, uidOf } from './reported-operations.ts';
import { byKey, capabilityFor, encode, type Sample } from './sample.ts';
import { maxRounds, StatedRequirements } from './stated-requirements.ts';

/** A call and its result. */
export interface CallMade {
  method: 'Reconcile' | 'Finalize';
  /** Keys of the extensions in the request. */
  keys: ReadonlySet<string>;
  answer?: ReconcileResponse | FinalizeResponse;
  error?: grpc.ServiceError;
  /** Names of the requirements that still differed after the last of several calls in a row. */
  unstable?: readonly string[];
}

/** Address, sample and limits of a plugin under test. */
export interface PluginTarget {
  address: string;
  info: GetInfoResponse;
  sample: Sample;
  /** Deadline of each call, in milliseconds. */
  timeout: number;
  /** Process and registry of the plugin; `undefined` when only its address is known. */
  run: PluginRun | undefined;
  /** True if the plugin answered GetInfo at its address. */
  isReached: boolean;
}

/** Plugin under test, from a controller's side. */
export class PluginUnderTest implements Disposable {
  readonly info: GetInfoResponse;
  readonly sample: Sample;
  readonly timeout: number;
  /** All calls of Reconcile and Finalize that ended. */
  readonly calls: CallMade[] = [];
  readonly #operations = new ReportedOperations();
  readonly #requirements: StatedRequirements;
  readonly #client: GrpcClient<typeof PluginService>;
  readonly #isReached: boolean;
  readonly #run: PluginRun | undefined;
  #settled: Promise<ReconcileResponse> | undefined;

  constructor({ address, info, sample, timeout, run, isReached }: PluginTarget) {
    const credentials = grpc.credentials.createInsecure();
    this.#client = createGrpcClient(PluginService, address, credentials, { 'grpc.use_local_subchannel_pool': 1 });
    this.info = info;
    this.sample = sample;
    this.#requirements = new StatedRequirements(sample.extensions);
    this.timeout = timeout;
    this.#run = run;
    this.#isReached = isReached;
  }

  /** Client of the plugin. Throws `NotTried` when the plugin is unreachable. */
  get client(): GrpcClient<typeof PluginService> {
    if (this.#isReached) return this.#client;
    throw new NotTried('it is unreachable at the registered address; see P4');
  }

  /** Process and registry of the plugin. Throws `NotTried` when only its address is known. */
  get run(): PluginRun {
    if (this.#run) return this.#run;
    throw new NotTried(
      'only an address was given; have the suite start the plugin: kplug conformance plugin -- COMMAND',
    );
  }

  /** Reports whether the plugin answered GetInfo at its address. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** Reports whether the suite started the plugin. */
  get hasProcess(): boolean {
    return this.#run !== undefined;
  }

  /** Returns a request as a controller sends it. */
  request(base: Resource = this.sample.base, extensions: readonly Resource[] = this.sample.extensions) {
    const { apis } = this.info;
    const deadline = Date.now() + this.timeout;
    const capability = capabilityFor(base, apis[0]);
    return {
      base: { json: encode(base) },
      extensions: byKey(extensions),
      assignment: {
        delegation: 'conformance',
        api: apis[0]?.name ?? '',
        apiVersion: apis[0]?.version ?? '',
        reason: 'Preferred',
        message: 'chosen by the conformance suite',
        ...(capability && { capability }),
      },
      context: { attempt: 1, deadline: timestampFromMs(deadline), supportsRequirements: true },
    };
  }

  /**
   * Calls Reconcile, and again while the plugin requires other resources than the call brought, up to five times. Rejects with the gRPC
   * error, or with `NotTried` when the deadline is exceeded, which P25 reports.
   */
  async reconcile(
    request: MessageInitShape<typeof ReconcileRequestSchema> = this.request(),
    signal?: AbortSignal,
  ): Promise<ReconcileResponse> {
    const options = { deadline: Date.now() + this.timeout, ...(signal && { signal }) };
    const whole = create(ReconcileRequestSchema, request);
    const uid = uidOf(whole.base);
    for (let round = 1; ; round++) {
      whole.operation ??= this.#operations.find(whole.base, 'Reconcile');
      whole.required = this.#requirements.find(uid);
      const answer = await this.#record('Reconcile', whole, this.client.reconcile(whole, options));
      const unstable = this.#requirements.answered(uid, answer);
      if (unstable.length > 0 && round === maxRounds) {
        this.calls.push({ method: 'Reconcile', keys: new Set(Object.keys(whole.extensions)), unstable });
      }
      if (unstable.length === 0 || round === maxRounds) return answer;
    }
  }

  /** Calls Finalize. Rejects as `reconcile` does. */
  finalize(request: MessageInitShape<typeof FinalizeRequestSchema> = this.request()): Promise<FinalizeResponse> {
    const options = { deadline: Date.now() + this.timeout };
    const whole = create(FinalizeRequestSchema, request);
    whole.operation ??= this.#operations.find(whole.base, 'Finalize');
    return this.#record('Finalize', whole, this.client.finalize(whole, options));
  }

  /** Reconciles the sample once and returns the answer. Rejects with `NotTried` when it does not succeed. */
  async reconciled(): Promise<ReconcileResponse> {
    this.#settled ??= this.retrying(() => this.reconcile());
    const answer = await this.#settled.catch((error: unknown) => {
      if (error instanceof NotTried) throw error;
      throw new NotTried(`reconciling the resource failed: ${describeAnswer(error)}`);
    });
    if (answer.outcome === Outcome.SUCCESS) return answer;
    const advice = this.sample.isGiven ? 'see P16' : 'give one that the plugin can reconcile with --resource';
    throw new NotTried(`reconciling the resource failed: ${describeAnswer(answer)}; ${advice}`);
  }

  /** Makes a call, and repeats it while the answer is RETRY and the timeout permits. */
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
    { base, extensions }: ReconcileRequest | FinalizeRequest,
    call: Promise<A>,
  ): Promise<A> {
    const made: CallMade = { method, keys: new Set(Object.keys(extensions)) };
    try {
      const answer = await call;
      this.calls.push({ ...made, answer });
      this.#operations.answered(base, method, answer);
      return answer;
    } catch (error) {
      if (!isServiceError(error)) throw error;
      this.calls.push({ ...made, error });
      if (error.code === grpc.status.DEADLINE_EXCEEDED)
        throw new NotTried(`${method} was not answered in time; see P25`);
      throw error;
    }
  }
}
