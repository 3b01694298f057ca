import { randomUUID } from 'node:crypto';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { addService, Outcome, PluginService } from '@kplug/protocol';
import { termsOf } from '../terms.js';
import { ApiHealth } from './api-health.js';
import { ScriptedPlugin } from './scripted-plugin.js';
/** The tool's own plugin, in `kplug.v1`. */
export class V1Plugin extends ScriptedPlugin {
  /** When GetInfo was called. */
  asked = [];
  /** Names of bases whose calls on a stream of Work aren't answered; the stream is ended instead. */
  breaking = new Set();
  /** How many calls on streams of Work were cancelled. */
  cancelled = 0;
  #controller;
  #options;
  #health;
  #instanceId = `conformance-${randomUUID()}`;
  #timer;
  constructor(controller, options) {
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
  static async start(controller, options) {
    const plugin = new V1Plugin(controller, options);
    await plugin.listen();
    return plugin;
  }
  /** Whether its health was asked for. */
  get isHealthKnown() {
    return this.#health?.isAsked ?? false;
  }
  /** Says from now on that the API is served. */
  serveApi() {
    this.#health?.serve();
  }
  async register() {
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
  async [Symbol.asyncDispose]() {
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
  async #reconcile(request, way, deadline) {
    return { outcome: Outcome.SUCCESS, ...(await this.answer(read('reconcile', request, way, deadline))) };
  }
  async #finalize(request, way, deadline) {
    return { outcome: (await this.answer(read('finalize', request, way, deadline)))?.outcome ?? Outcome.SUCCESS };
  }
  #work(stream) {
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
function read(method, { base, extensions, context }, way, deadline) {
  const parsed = Object.entries(extensions).map(([key, { json }]) => [key, parse(json)]);
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
function parse(json) {
  return JSON.parse(Buffer.from(json).toString());
}
//# sourceMappingURL=v1-plugin.js.map
