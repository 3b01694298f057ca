import * as grpc from '@grpc/grpc-js';
import {
  addService,
  createGrpcClient,
  type GrpcClient,
  isServiceError,
  PluginService,
  type Registration,
} from '@kplug/protocol';
import { type RecordedCall, type Request, type Response, writeRequest, writeResponse } from './recorded-call.ts';

/** As the SDK takes them, and a margin. */
const largest = 8 * 1024 * 1024;

/** Stands between a controller and one instance of a plugin: passes calls on, and tells of each. */
export class PluginRelay {
  readonly #registration: Registration;
  readonly #plugin: GrpcClient<typeof PluginService>;
  readonly #server: grpc.Server;
  readonly #onCall: (call: RecordedCall) => void;

  private constructor(registration: Registration, address: string, onCall: (call: RecordedCall) => void) {
    this.#registration = registration;
    this.#onCall = onCall;
    const limits = { 'grpc.max_receive_message_length': largest };
    this.#plugin = createGrpcClient(PluginService, address, grpc.credentials.createInsecure(), limits);
    this.#server = new grpc.Server(limits);
    addService(this.#server, PluginService, {
      // Calls on a stream of Work would pass by; without it they are made one by one.
      getInfo: async (_, call) => ({ ...(await this.#plugin.getInfo({}, optionsOf(call))), servesWork: false }),
      reconcile: (request, call) => this.#pass('Reconcile', request, this.#plugin.reconcile(request, optionsOf(call))),
      finalize: (request, call) => this.#pass('Finalize', request, this.#plugin.finalize(request, optionsOf(call))),
    });
  }

  /** Listens. @param address where the instance is. @param host where to listen. */
  static async start(
    registration: Registration,
    { address, host, onCall }: { address: string; host: string; onCall: (call: RecordedCall) => void },
  ): Promise<{ relay: PluginRelay; port: number }> {
    const relay = new PluginRelay(registration, address, onCall);
    const port = await new Promise<number>((resolve, reject) => {
      relay.#server.bindAsync(`${host}:0`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    return { relay, port };
  }

  close(): void {
    this.#server.forceShutdown();
    this.#plugin.$client.close();
  }

  async #pass<A extends Response>(method: RecordedCall['method'], request: Request, answer: Promise<A>): Promise<A> {
    const { plugin, version, instanceId } = this.#registration;
    const from = performance.now();
    const at = new Date().toISOString();
    const record = (outcome: Pick<RecordedCall, 'response' | 'error'>) => {
      const duration = Math.round(performance.now() - from);
      const written = writeRequest(method, request);
      this.#onCall({ at, plugin, version, instanceId, method, request: written, ...outcome, duration });
    };
    try {
      const response = await answer;
      record({ response: writeResponse(method, response) });
      return response;
    } catch (error) {
      if (isServiceError(error)) record({ error: { code: error.code, message: error.details } });
      throw error;
    }
  }
}

/** What was asked of a call holds for the one that is made for it. */
function optionsOf(call: grpc.ServerUnaryCall<unknown, unknown>): { deadline?: number; signal: AbortSignal } {
  const aborted = new AbortController();
  call.on('cancelled', () => aborted.abort());
  const deadline = Number(call.getDeadline());
  return { signal: aborted.signal, ...(Number.isFinite(deadline) ? { deadline } : {}) };
}
