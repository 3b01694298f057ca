import * as grpc from '@grpc/grpc-js';
import { addService, createGrpcClient, type GrpcClient, v0 } from '@kplug/protocol';
import { onTestFinished, vi } from 'vitest';
import { parse, stringify } from 'yaml';

/** Parsed statuses that a plugin returned. */
export interface ReturnedStatuses {
  base: unknown;
  references: Record<string, unknown>;
}

/** Operator that speaks the v0 protocol: it receives heartbeats and calls the plugin that sent them. */
export class V0Operator {
  /** All heartbeats, with the peer of each. */
  readonly heartbeats: { information: v0.PluginInformation; peer: string }[] = [];
  /** Response to heartbeats. */
  answer: { accepted: boolean; notAcceptedReason?: string } = { accepted: true };
  address = '';
  readonly #server = new grpc.Server();
  #client: GrpcClient<typeof v0.Plugin> | undefined;

  /** Starts an operator that stops with the test. */
  static async start(): Promise<V0Operator> {
    const operator = new V0Operator();
    await operator.#listen();
    onTestFinished(() => {
      operator.#client?.$client.close();
      operator.#server.forceShutdown();
    });
    return operator;
  }

  /** Waits for the first heartbeat and returns a client of its plugin. */
  async plugin(): Promise<GrpcClient<typeof v0.Plugin>> {
    const { address } = await vi.waitUntil(() => this.heartbeats[0]?.information, { timeout: 20_000, interval: 10 });
    this.#client ??= createGrpcClient(v0.Plugin, address, grpc.credentials.createInsecure());
    return this.#client;
  }

  /** Calls the plugin to create or update, and parses the response. */
  async call(
    method: 'create' | 'update',
    base: object,
    references: Record<string, object> = {},
  ): Promise<ReturnedStatuses> {
    const plugin = await this.plugin();
    const returned = await plugin[method](resourcesOf(base, references), { deadline: Date.now() + 10_000 });
    const statuses = Object.entries(returned.references).map(([key, { yaml }]) => [key, parse(yaml)] as const);
    return { base: parse(returned.base?.yaml ?? 'missing'), references: Object.fromEntries(statuses) };
  }

  /** Calls the plugin to delete. */
  async delete(base: object): Promise<void> {
    await (await this.plugin()).delete(resourcesOf(base, {}), { deadline: Date.now() + 10_000 });
  }

  #listen(): Promise<void> {
    addService(this.#server, v0.Controller, {
      pluginHeartbeat: (information, call) => {
        this.heartbeats.push({ information, peer: call.getPeer() });
        return this.answer;
      },
    });
    return new Promise((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
        this.address = `127.0.0.1:${port}`;
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

function resourcesOf(base: object, references: Record<string, object>) {
  const written = Object.entries(references).map(([key, resource]) => [key, { yaml: stringify(resource) }]);
  return { base: { yaml: stringify(base) }, references: Object.fromEntries(written) };
}
