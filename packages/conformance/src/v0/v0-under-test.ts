import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { keyOf, type Resource } from '@kplug/controller';
import { formatYaml, isAnswerMissing } from '@kplug/controller/tools';
import { createGrpcClient, type GrpcClient, isServiceError, v0 } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.ts';
import type { PluginRun } from '../plugin/plugin-run.ts';
import type { Sample } from '../plugin/sample.ts';
import { NotTried } from '../requirement.ts';

/** Request of a call. */
export type ResourcesInit = Exclude<MessageInitShape<typeof v0.ResourcesSchema>, { $typeName: string }>;

/** A call and its result. */
export interface V0Call {
  method: 'create' | 'update' | 'delete';
  /** Keys of the references in the request. */
  keys: ReadonlySet<string>;
  /** Result of `create` and `update`. */
  returned?: v0.Resources;
  /** True if `delete` ended without an error of the plugin and without an answer. */
  isUnanswered?: boolean;
  error?: grpc.ServiceError;
}

/** Address, sample and limits of a plugin under test. */
export interface V0Target {
  address: string;
  sample: Sample;
  /** Deadline of each call, in milliseconds. */
  timeout: number;
  /** Process and registry of the plugin; `undefined` when only its address is known. */
  run: PluginRun | undefined;
}

/** Time limit for opening a connection, in milliseconds. */
const connectTimeout = 5_000;

/** Codes of errors that a retry may resolve. */
const retryable: readonly number[] = [grpc.status.ABORTED, grpc.status.UNAVAILABLE];

/** Plugin of the first Kplug's protocol under test, from an operator's side. */
export class V0UnderTest implements Disposable {
  readonly address: string;
  readonly sample: Sample;
  readonly timeout: number;
  /** All calls that ended. */
  readonly calls: V0Call[] = [];
  /** Reason why the plugin is unreachable, once that is known. */
  unreached: string | undefined;
  readonly #client: GrpcClient<typeof v0.Plugin>;
  readonly #run: PluginRun | undefined;
  #creation: Promise<V0Call> | undefined;

  constructor({ address, sample, timeout, run }: V0Target) {
    this.address = address;
    this.sample = sample;
    this.timeout = timeout;
    this.#run = run;
    this.#client = createGrpcClient(v0.Plugin, address, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Process and registry of the plugin. Throws `NotTried` when only its address is known. */
  get run(): PluginRun {
    if (this.#run) return this.#run;
    throw new NotTried(
      'only an address was given; have the suite start the plugin: kplug conformance plugin -- COMMAND',
    );
  }

  /** Reports whether a connection to the address can be opened. */
  isConnected(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#client.$client.waitForReady(Date.now() + connectTimeout, (error) => resolve(!error));
    return promise;
  }

  /** Returns a request as an operator sends it. */
  request(base: Resource = this.sample.base, references: readonly Resource[] = this.sample.extensions): ResourcesInit {
    const written = references.map((reference) => [keyOf(reference), { yaml: writeYaml(reference) }]);
    return { base: { yaml: writeYaml(base) }, references: Object.fromEntries(written) };
  }

  /** Calls `create`. Rejects with the gRPC error, or with `NotTried` when the deadline is exceeded, which F7 reports. */
  create(request: ResourcesInit = this.request()): Promise<V0Call> {
    return this.#call('create', request);
  }

  /** Calls `update`. Rejects as `create` does. */
  update(request: ResourcesInit = this.request(), signal?: AbortSignal): Promise<V0Call> {
    return this.#call('update', request, signal);
  }

  /** Calls `delete`. Rejects as `create` does, except if only the answer is missing. */
  delete(request: ResourcesInit = this.request()): Promise<V0Call> {
    return this.#call('delete', request);
  }

  /** Creates the sample, once, and returns the call. Rejects as `create` does. */
  creation(): Promise<V0Call> {
    this.#creation ??= this.retrying(() => this.create());
    return this.#creation;
  }

  /** Creates the sample, once. Rejects with `NotTried` when that fails. */
  async created(): Promise<void> {
    const advice = this.sample.isGiven ? 'see F3' : 'give one that the plugin can create with --resource';
    await this.creation().catch((error: unknown) => {
      if (error instanceof NotTried) throw error;
      throw new NotTried(`creating the resource failed: ${describeAnswer(error)}; ${advice}`);
    });
  }

  /** Makes a call, and repeats it while the error is retryable and the timeout permits. */
  async retrying<T>(call: () => Promise<T>): Promise<T> {
    const end = Date.now() + this.timeout;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isServiceError(error) || !retryable.includes(error.code) || Date.now() + 200 > end) throw error;
      }
      await delay(200);
    }
  }

  [Symbol.dispose](): void {
    this.#client.$client.close();
  }

  async #call(method: V0Call['method'], request: ResourcesInit, signal?: AbortSignal): Promise<V0Call> {
    if (this.unreached !== undefined) throw new NotTried(this.unreached);
    const call: V0Call = { method, keys: new Set(Object.keys(request.references ?? {})) };
    const options = { deadline: Date.now() + this.timeout, ...(signal && { signal }) };
    try {
      if (method === 'delete') await this.#client.delete(request, options);
      else call.returned = await this.#client[method](request, options);
      this.calls.push(call);
      return call;
    } catch (error) {
      if (!isServiceError(error)) throw error;
      if (method === 'delete' && isAnswerMissing(error)) {
        call.isUnanswered = true;
        this.calls.push(call);
        return call;
      }
      // A call that the suite cancelled is no evidence about the plugin.
      if (!signal?.aborted) this.calls.push({ ...call, error });
      if (error.code === grpc.status.DEADLINE_EXCEEDED)
        throw new NotTried(`${method} was not answered in time; see F7`);
      throw error;
    }
  }
}

/** Quotes all strings, so that YAML 1.1 and 1.2 parse them alike. */
function writeYaml(resource: Resource): string {
  return formatYaml(resource, { isQuoted: true });
}
