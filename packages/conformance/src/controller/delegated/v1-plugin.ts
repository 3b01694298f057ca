import { randomUUID, X509Certificate } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type * as grpc from '@grpc/grpc-js';
import type { Resource } from '@kplug/controller';
import {
  addService,
  type FinalizeRequest,
  type GrpcHandlers,
  Outcome,
  PluginService,
  parseJson,
  type ReconcileRequest,
  type ReconcileResponseSchema,
} from '@kplug/protocol';
import type { ControllerClient } from '../controller-client.ts';
import { leaseTimesOf } from '../lease-times.ts';
import { makeCertificate } from '../own-certificate.ts';
import { ApiHealth } from './api-health.ts';
import { type ReceivedCall, ScriptedPlugin } from './scripted-plugin.ts';

/** Answer to Reconcile. Finalize uses only the outcome. */
export type Answer = Omit<
  Exclude<MessageInitShape<typeof ReconcileResponseSchema>, { $typeName: string }>,
  'outcome'
> & {
  /** Default: SUCCESS. */
  outcome?: Outcome;
};

/** Behaviour of the plugin, besides its answers. */
export interface V1PluginOptions {
  api: { name: string; version: string };
  /** Capabilities that it provides. Default: none. */
  provides?: { category: string; type: string; versions: string[] }[];
  /** True if GetInfo announces Work. The plugin serves it in either case. */
  servesWork?: boolean;
  /** True if GetInfo answers with an instance id other than the registered one. */
  hasOtherId?: boolean;
  /** Certificate that its port presents by TLS. Default: the one that it registers. */
  presents?: 'another' | 'nothing';
  /** True if the health of the API is NOT_SERVING until `serveApi` is called. Default: there is no health service. */
  startsNotServing?: boolean;
}

type Stream = Parameters<GrpcHandlers<typeof PluginService>['work']>[0];

/** Plugin of the suite, in `kplug.v1`. */
export class V1Plugin extends ScriptedPlugin<Answer> {
  /** Times of the calls of GetInfo, in milliseconds of the monotonic clock. */
  readonly infoCalls: number[] = [];
  /** Names of bases for whose calls the Work stream is ended instead of answered. */
  readonly endsStreamFor = new Set<string>();
  /** Number of cancelled calls on Work streams. */
  cancelled = 0;
  readonly #controller: ControllerClient;
  readonly #options: V1PluginOptions;
  readonly #health: ApiHealth | undefined;
  readonly #instanceId = `conformance-${randomUUID()}`;
  #timer: NodeJS.Timeout | undefined;

  private constructor(controller: ControllerClient, options: V1PluginOptions) {
    super();
    this.#controller = controller;
    this.#options = options;
    addService(this.server, PluginService, {
      getInfo: () => this.#info(),
      reconcile: (request, call) => this.#reconcile(request, 'unary', call.getDeadline()),
      finalize: (request, call) => this.#finalize(request, 'unary', call.getDeadline()),
      work: (stream) => this.#work(stream),
    });
    this.#health = options.startsNotServing ? new ApiHealth(this.server, options.api.name) : undefined;
  }

  static async start(controller: ControllerClient, options: V1PluginOptions): Promise<V1Plugin> {
    const plugin = new V1Plugin(controller, options);
    const { own } = controller;
    await plugin.listen(own && (options.presents === 'another' ? await makeCertificate() : (options.presents ?? own)));
    return plugin;
  }

  /** Reports whether the controller has requested the health of the API. */
  get isHealthRequested(): boolean {
    return this.#health?.isRequested ?? false;
  }

  /** Changes the health of the API to SERVING. */
  serveApi(): void {
    this.#health?.serve();
  }

  override async register(): Promise<void> {
    const { own } = this.#controller;
    const registration = {
      ...(own && { certificate: new X509Certificate(own.cert).raw }),
      plugin: 'Conformance',
      version: '1.0.0',
      apis: [this.#api],
      address: `:${this.port}`,
      instanceId: this.#instanceId,
    };
    const { interval } = leaseTimesOf(await this.#controller.accepted(registration));
    this.#timer = setInterval(() => {
      // The next heartbeat follows a failed one, and the failure is the controller's.
      this.#controller.heartbeat(registration).catch(() => undefined);
    }, interval / 2);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const { client, callOptions } = this.#controller;
    // The lease expires in any case.
    await client.deregister({ instanceId: this.#instanceId }, callOptions).catch(() => undefined);
    this.server.forceShutdown();
    this.secured?.close();
  }

  /** API as it is registered. */
  get #api() {
    const { api, provides = [] } = this.#options;
    return { ...api, provides };
  }

  #info() {
    this.infoCalls.push(performance.now());
    return {
      plugin: 'Conformance',
      version: '1.0.0',
      apis: [this.#api],
      instanceId: this.#options.hasOtherId ? 'another-process' : this.#instanceId,
      runtime: 'kplug conformance',
      servesWork: this.#options.servesWork ?? false,
      // It has no state of its own, so that calls for one resource don't disturb each other.
      serializesCalls: true,
    };
  }

  async #reconcile(request: ReconcileRequest, transport: ReceivedCall['transport'], deadline?: grpc.Deadline) {
    return { outcome: Outcome.SUCCESS, ...(await this.answer(read('reconcile', request, transport, deadline))) };
  }

  async #finalize(request: FinalizeRequest, transport: ReceivedCall['transport'], deadline?: grpc.Deadline) {
    return { outcome: (await this.answer(read('finalize', request, transport, deadline)))?.outcome ?? Outcome.SUCCESS };
  }

  #work(stream: Stream): void {
    stream.on('error', () => undefined);
    stream.on('end', () => stream.end());
    stream.on('data', async ({ id, call }) => {
      if (call.case === 'cancellation') this.cancelled++;
      if (call.case === 'finalize') {
        stream.write({ id, answer: { case: 'finalize', value: await this.#finalize(call.value, 'work') } });
      }
      if (call.case !== 'reconcile') return;
      const value = await this.#reconcile(call.value, 'work');
      const { name } = read('reconcile', call.value, 'work').base.metadata;
      if (this.endsStreamFor.has(name)) stream.end();
      else if (stream.writable) stream.write({ id, answer: { case: 'reconcile', value } });
    });
  }
}

function read(
  method: ReceivedCall['method'],
  { base, extensions, dependents, operation, required, assignment, context }: ReconcileRequest | FinalizeRequest,
  transport: ReceivedCall['transport'],
  deadline?: grpc.Deadline,
): ReceivedCall {
  const parsed = Object.entries(extensions).map(([key, { json }]) => [key, parse(json)] as const);
  const request = context?.deadline ? timestampMs(context.deadline) - Date.now() : Number.NaN;
  return {
    method,
    transport,
    base: parse(base?.json ?? Buffer.from('{"metadata":{}}')),
    extensions: Object.fromEntries(parsed),
    dependents: Object.values(dependents).map(({ json }) => parse(json)),
    operation,
    required: context?.supportsRequirements
      ? Object.fromEntries(
          Object.entries(required).map(([name, { items }]) => [name, items.map(({ json }) => parse(json))]),
        )
      : undefined,
    capability: assignment?.capability,
    texts: [],
    at: performance.now(),
    remaining: { request, call: deadline === undefined ? Number.NaN : Number(deadline) - Date.now() },
  };
}

function parse(json: Uint8Array): Resource {
  return parseJson(Buffer.from(json).toString()) as Resource;
}
