import * as grpc from '@grpc/grpc-js';
import { addService, createGrpcClient, localHostTowards, PluginService, serviceError, v0 } from '@kplug/protocol';
import { parse } from 'yaml';
import { ScriptedPlugin } from './scripted-plugin.js';

/** How often it beats, in milliseconds: oftener than such plugins do, as nothing forbids it. */
const interval = 2_000;
/** The tool's own plugin, in the first Kplug's protocol. */
export class V0Plugin extends ScriptedPlugin {
  /** What it was asked for beyond that protocol. */
  others = [];
  #controller;
  #api;
  #timer;
  #host = '';
  constructor(controller, api) {
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
    const other = (what) => {
      this.others.push(what);
      throw serviceError(grpc.status.UNIMPLEMENTED, 'a plugin of the first Kplug has no such thing');
    };
    addService(this.server, PluginService, {
      getInfo: () => other('GetInfo'),
      reconcile: () => other('Reconcile'),
      finalize: () => other('Finalize'),
    });
  }
  /** @param controller the address of its heartbeat port. */
  static async start(controller, api) {
    const plugin = new V0Plugin(controller, api);
    await plugin.listen();
    plugin.#host = await localHostTowards(controller);
    return plugin;
  }
  /** What it says of itself in a heartbeat. */
  get information() {
    const { name: api, version: apiVersion } = this.#api;
    return { address: `${this.#host}:${this.port}`, name: 'ConformanceV0', version: '1.0.0', api, apiVersion };
  }
  /** Beats once. Rejects with the gRPC error. */
  async beat(otherwise = {}) {
    const client = createGrpcClient(v0.Controller, this.#controller, grpc.credentials.createInsecure());
    try {
      return await client.pluginHeartbeat({ ...this.information, ...otherwise }, { deadline: Date.now() + 5_000 });
    } finally {
      client.$client.close();
    }
  }
  async register() {
    await this.beat();
    this.#timer = setInterval(() => {
      // One that fails is followed by the next; the controller is what is looked at.
      this.beat().catch(() => undefined);
    }, interval);
  }
  async [Symbol.asyncDispose]() {
    clearInterval(this.#timer);
    this.server.forceShutdown();
  }
  async #make(method, resources) {
    const { base = '{}', references = {} } = (await this.answer(read(method, resources))) ?? {};
    const written = Object.entries(references).map(([key, yaml]) => [key, { yaml }]);
    return { base: { yaml: base }, references: Object.fromEntries(written) };
  }
}
function read(method, { base, references }) {
  const texts = [base?.yaml ?? '', ...Object.values(references).map(({ yaml }) => yaml)];
  const parsed = Object.entries(references).map(([key, { yaml }]) => [key, parse(yaml)]);
  const extensions = Object.fromEntries(parsed);
  return { method, way: 'unary', base: parse(texts[0] ?? ''), extensions, texts, at: performance.now() };
}
//# sourceMappingURL=v0-plugin.js.map
