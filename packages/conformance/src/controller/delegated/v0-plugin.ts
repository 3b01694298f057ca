import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { Resource } from '@kplug/controller';
import {
  addService,
  createGrpcClient,
  localHostTowards,
  PluginService,
  readYaml,
  serviceError,
  v0,
} from '@kplug/protocol';
import { yamlBounds } from '../../yaml-bounds.ts';
import { type ReceivedCall, ScriptedPlugin } from './scripted-plugin.ts';

/** Result of `create` and `update`: changes of statuses as YAML. */
export interface Returned {
  base?: string;
  references?: Record<string, string>;
}

type Information = Exclude<MessageInitShape<typeof v0.PluginInformationSchema>, { $typeName: string }>;

/** Heartbeat interval, in milliseconds. The protocol sets no minimum. */
const heartbeatInterval = 2_000;

/** Plugin of the suite, in the first Kplug's protocol. */
export class V0Plugin extends ScriptedPlugin<Returned> {
  /** Calls that are not part of that protocol. */
  readonly otherCalls: string[] = [];
  readonly #controller: string;
  readonly #api: { name: string; version: string };
  #timer: NodeJS.Timeout | undefined;
  #host = '';

  private constructor(controller: string, api: { name: string; version: string }) {
    super();
    this.#controller = controller;
    this.#api = api;
    addService(this.server, v0.Plugin, {
      create: (resources) => this.#make('create', resources),
      update: (resources) => this.#make('update', resources),
      delete: async (resources) => {
        await this.answer(read('delete', resources));
        return {};
      },
    });
    const reject = (method: string) => {
      this.otherCalls.push(method);
      throw serviceError(grpc.status.UNIMPLEMENTED, "not part of the first Kplug's protocol");
    };
    addService(this.server, PluginService, {
      getInfo: () => reject('GetInfo'),
      reconcile: () => reject('Reconcile'),
      finalize: () => reject('Finalize'),
    });
  }

  /** @param controller address of its heartbeat port. */
  static async start(controller: string, api: { name: string; version: string }): Promise<V0Plugin> {
    const plugin = new V0Plugin(controller, api);
    await plugin.listen();
    plugin.#host = await localHostTowards(controller);
    return plugin;
  }

  /** Content of a heartbeat. */
  get information(): Information {
    const { name: api, version: apiVersion } = this.#api;
    return { address: `${this.#host}:${this.port}`, name: 'ConformanceV0', version: '1.0.0', api, apiVersion };
  }

  /** Sends one heartbeat, changed by `overrides`. Rejects with the gRPC error. */
  async sendHeartbeat(overrides: Information = {}): Promise<v0.PluginHeartbeatResponse> {
    const client = createGrpcClient(v0.Controller, this.#controller, grpc.credentials.createInsecure());
    try {
      return await client.pluginHeartbeat({ ...this.information, ...overrides }, { deadline: Date.now() + 5_000 });
    } finally {
      client.$client.close();
    }
  }

  override async register(): Promise<void> {
    await this.sendHeartbeat();
    this.#timer = setInterval(() => {
      // The next heartbeat follows a failed one, and the failure is the controller's.
      this.sendHeartbeat().catch(() => undefined);
    }, heartbeatInterval);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.server.forceShutdown();
  }

  async #make(method: 'create' | 'update', resources: v0.Resources) {
    const { base = '{}', references = {} } = (await this.answer(read(method, resources))) ?? {};
    const written = Object.entries(references).map(([key, yaml]) => [key, { yaml }] as const);
    return { base: { yaml: base }, references: Object.fromEntries(written) };
  }
}

function read(method: ReceivedCall['method'], { base, references }: v0.Resources): ReceivedCall {
  const texts = [base?.yaml ?? '', ...Object.values(references).map(({ yaml }) => yaml)];
  const parsed = Object.entries(references).map(([key, { yaml }]) => [key, parseResource(yaml)] as const);
  const extensions = Object.fromEntries(parsed);
  return {
    method,
    transport: 'unary',
    base: parseResource(texts[0] ?? ''),
    extensions,
    dependents: [],
    texts,
    at: performance.now(),
  };
}

function parseResource(yaml: string): Resource {
  const { value, fault } = readYaml(yaml, yamlBounds);
  if (fault) throw serviceError(grpc.status.INVALID_ARGUMENT, `the resource is invalid YAML: ${fault.message}`);
  return value as Resource;
}
