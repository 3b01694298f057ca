import { randomUUID } from 'node:crypto';
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
  type ReconcileRequest,
  type ReconcileResponseSchema,
} from '@kplug/protocol';
import type { ControllerUnderTest } from '../controller-under-test.ts';
import { termsOf } from '../terms.ts';
import { ApiHealth } from './api-health.ts';
import { ScriptedPlugin, type SeenCall } from './scripted-plugin.ts';

/** What is answered to Reconcile. To Finalize only the outcome is. */
export type Answer = Omit<
  Exclude<MessageInitShape<typeof ReconcileResponseSchema>, { $typeName: string }>,
  'outcome'
> & {
  /** Default: SUCCESS. */
  outcome?: Outcome;
};

/** How the tool's own plugin is, beyond what it answers. */
export interface V1PluginOptions {
  api: { name: string; version: string };
  /** Whether it says that it serves Work, which it does anyway. */
  servesWork?: boolean;
  /** Whether GetInfo answers as another instance than the one that registers. */
  isAnother?: boolean;
  /** Whether it serves a health service that says the API isn't served, until `serveApi`. Default: it serves none. */
  isUnserved?: boolean;
}

type Stream = Parameters<GrpcHandlers<typeof PluginService>['work']>[0];

/** The tool's own plugin, in `kplug.v1`. */
export class V1Plugin extends ScriptedPlugin<Answer> {
  /** When GetInfo was called. */
  readonly asked: number[] = [];
  /** Names of bases whose calls on a stream of Work aren't answered; the stream is ended instead. */
  readonly breaking = new Set<string>();
  /** How many calls on streams of Work were cancelled. */
  cancelled = 0;
  readonly #controller: ControllerUnderTest;
  readonly #options: V1PluginOptions;
  readonly #health: ApiHealth | undefined;
  readonly #instanceId = `conformance-${randomUUID()}`;
  #timer: NodeJS.Timeout | undefined;

  private constructor(controller: ControllerUnderTest, options: V1PluginOptions) {
    super();
    this.#controller = controller;
    this.#options = options;
    addService(this.server, PluginService, {
      getInfo: () => this.#info(),
      reconcile: (request, call) => this.#reconcile(request, 'unary', call.getDeadline()),
      finalize: (request, call) => this.#finalize(request, 'unary', call.getDeadline()),
      work: (stream) => this.#work(stream),
    });
    this.#health = options.isUnserved ? new ApiHealth(this.server, options.api.name) : undefined;
  }

  static async start(controller: ControllerUnderTest, options: V1PluginOptions): Promise<V1Plugin> {
    const plugin = new V1Plugin(controller, options);
    await plugin.listen();
    return plugin;
  }

  /** Whether its health was asked for. */
  get isHealthKnown(): boolean {
    return this.#health?.isAsked ?? false;
  }

  /** Says from now on that the API is served. */
  serveApi(): void {
    this.#health?.serve();
  }

  override async register(): Promise<void> {
    const registration = {
      plugin: 'Conformance',
      version: '1.0.0',
      apis: [this.#options.api],
      address: `:${this.port}`,
      instanceId: this.#instanceId,
    };
    const { interval } = termsOf(await this.#controller.accepted(registration));
    this.#timer = setInterval(() => {
      // One that fails is followed by the next; the controller is what is looked at.
      this.#controller.heartbeat(registration).catch(() => undefined);
    }, interval / 2);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const gone = { instanceId: this.#instanceId };
    await this.#controller.client.deregister(gone, { deadline: Date.now() + 5_000 }).catch(() => undefined);
    this.server.forceShutdown();
  }

  #info() {
    this.asked.push(performance.now());
    return {
      plugin: 'Conformance',
      version: '1.0.0',
      apis: [this.#options.api],
      instanceId: this.#options.isAnother ? 'another-process' : this.#instanceId,
      runtime: 'kplug conformance',
      servesWork: this.#options.servesWork ?? false,
    };
  }

  async #reconcile(request: ReconcileRequest, way: SeenCall['way'], deadline?: grpc.Deadline) {
    return { outcome: Outcome.SUCCESS, ...(await this.answer(read('reconcile', request, way, deadline))) };
  }

  async #finalize(request: FinalizeRequest, way: SeenCall['way'], deadline?: grpc.Deadline) {
    return { outcome: (await this.answer(read('finalize', request, way, deadline)))?.outcome ?? Outcome.SUCCESS };
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
      if (this.breaking.has(name)) stream.end();
      else if (stream.writable) stream.write({ id, answer: { case: 'reconcile', value } });
    });
  }
}

function read(
  method: SeenCall['method'],
  { base, extensions, context }: ReconcileRequest | FinalizeRequest,
  way: SeenCall['way'],
  deadline?: grpc.Deadline,
): SeenCall {
  const parsed = Object.entries(extensions).map(([key, { json }]) => [key, parse(json)] as const);
  const said = context?.deadline ? timestampMs(context.deadline) - Date.now() : Number.NaN;
  return {
    method,
    way,
    base: parse(base?.json ?? Buffer.from('{"metadata":{}}')),
    extensions: Object.fromEntries(parsed),
    texts: [],
    at: performance.now(),
    left: { said, grpc: deadline === undefined ? Number.NaN : Number(deadline) - Date.now() },
  };
}

function parse(json: Uint8Array): Resource {
  return JSON.parse(Buffer.from(json).toString()) as Resource;
}
