import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { addService, createGrpcClient, v0 } from '@kplug/protocol';
import { onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import type { TestOperator } from './operator.ts';

/** Resource as a v0 plugin reads it. */
export interface ReadResource {
  metadata: { name: string };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** Changes of the statuses of the base and of its references by key, as objects or as YAML text. */
export type Returned = [base: object | string, references?: Record<string, object | string>];

type Implement = (
  base: ReadResource,
  references: Record<string, ReadResource>,
) => Returned | undefined | Promise<Returned | undefined>;

/** Options of a `V0Plugin`. */
export interface V0Options {
  name: string;
  version?: string;
  apiVersion?: string;
  /** Further plugin APIs, each of which is registered by a heartbeat of its own. */
  otherApis?: readonly string[];
  create?: Implement;
  update?: Implement;
  /** May throw a gRPC status. */
  delete?: (base: ReadResource) => void;
}

/** Error with which Python's gRPC runtime ends a call whose handler returned nothing. */
export const pythonReturnedNothing = { code: grpc.status.INTERNAL, details: 'Failed to serialize response!' };

/** Plugin that implements the v0 protocol directly, and opens a channel for each heartbeat. */
export class V0Plugin {
  readonly calls: string[] = [];
  /** Headers `traceparent` of the calls to create and update that had one. */
  readonly traceparents: string[] = [];
  /** Largest number of calls that were served at the same time. */
  maxConcurrent = 0;
  #active = 0;
  readonly #server = new grpc.Server();
  readonly #options: V0Options;
  readonly #controller: string;
  #information: MessageInitShape<typeof v0.PluginInformationSchema> = {};
  #timer: NodeJS.Timeout | undefined;

  private constructor(controller: string, options: V0Options) {
    this.#controller = controller;
    this.#options = options;
    const { create = () => [{}], update = () => [{}], delete: remove = () => undefined } = options;
    addService(this.#server, v0.Plugin, {
      create: (resources, { metadata }) => this.#answer('create', resources, create, metadata),
      update: (resources, { metadata }) => this.#answer('update', resources, update, metadata),
      delete: ({ base }) => {
        this.calls.push('delete');
        try {
          remove(parse(base?.yaml ?? ''));
        } catch (error) {
          throw Object.assign(new Error(), { metadata: new grpc.Metadata() }, error);
        }
        return {};
      },
    });
  }

  /** Serves a plugin until the test ends, with heartbeats until `stopHeartbeats`. */
  static async start(operator: Pick<TestOperator, 'controller'>, options: V0Options): Promise<V0Plugin> {
    const plugin = new V0Plugin(operator.controller.heartbeatAddress, options);
    await plugin.#listen();
    onTestFinished(() => plugin.stop());
    await plugin.#beat();
    plugin.#timer = setInterval(() => void plugin.#beat().catch(() => undefined), 200);
    return plugin;
  }

  /** Stops the heartbeats, but continues to serve. */
  stopHeartbeats(): void {
    clearInterval(this.#timer);
  }

  stop(): void {
    this.stopHeartbeats();
    this.#server.forceShutdown();
  }

  async #listen(): Promise<void> {
    const { name, version = '1.0.0', apiVersion = 'v1' } = this.#options;
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    this.#information = { address: `127.0.0.1:${port}`, name, version, api: 'Table', apiVersion };
  }

  async #beat(): Promise<void> {
    await beat(this.#controller, this.#information);
    for (const api of this.#options.otherApis ?? []) await beat(this.#controller, { ...this.#information, api });
  }

  async #answer(
    method: string,
    resources: v0.Resources,
    implement: Implement,
    metadata: grpc.Metadata,
  ): Promise<MessageInitShape<typeof v0.ResourcesSchema>> {
    this.calls.push(method);
    this.traceparents.push(...metadata.get('traceparent').map(String));
    this.#active++;
    this.maxConcurrent = Math.max(this.maxConcurrent, this.#active);
    try {
      return await implementCall(resources, implement);
    } finally {
      this.#active--;
    }
  }
}

/** Makes the answer of an implementation; one that returns nothing gives an answer without content. */
async function implementCall(
  { base, references }: v0.Resources,
  implement: Implement,
): Promise<MessageInitShape<typeof v0.ResourcesSchema>> {
  const read = Object.entries(references).map(([key, { yaml }]) => [key, parse(yaml) as ReadResource] as const);
  const returned = await implement(parse(base?.yaml ?? ''), Object.fromEntries(read));
  if (!returned) return {};
  const [status, statuses = {}] = returned;
  const written = Object.entries(statuses).map(([key, changes]) => [key, { yaml: write(changes) }]);
  return { base: { yaml: write(status) }, references: Object.fromEntries(written) };
}

/** Sends one heartbeat over a channel of its own. */
export async function beat(
  controller: string,
  information: MessageInitShape<typeof v0.PluginInformationSchema>,
): Promise<v0.PluginHeartbeatResponse> {
  const client = createGrpcClient(v0.Controller, controller, grpc.credentials.createInsecure());
  try {
    return await client.pluginHeartbeat(information, { deadline: Date.now() + 3_000 });
  } finally {
    client.$client.close();
  }
}

function write(changes: object | string): string {
  return typeof changes === 'string' ? changes : stringify(changes);
}
