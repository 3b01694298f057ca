import * as grpc from '@grpc/grpc-js';
import {
  addService,
  createGrpcClient,
  type GrpcClient,
  isServiceError,
  PluginService,
  type Registration,
  serviceError,
} from '@kplug/protocol';
import { type RecordedCall, type Request, type Response, writeRequest, writeResponse } from './recorded-call.ts';
import { isCaller, type RelayTls } from './relay-tls.ts';

/** Maximum message size in bytes, above that of the SDK. */
const maxMessageSize = 8 * 1024 * 1024;

/** Options of a relay. */
export interface RelayOptions {
  /** Address of the instance. */
  address: string;
  /** Host to listen on. */
  host: string;
  /** TLS on the side of the controller. Default: plain text. */
  tls?: RelayTls | undefined;
  onCall: (call: RecordedCall) => void;
}

/** Relays calls between a controller and a plugin instance, and reports each. */
export class PluginRelay {
  readonly #registration: Registration;
  readonly #plugin: GrpcClient<typeof PluginService>;
  readonly #server: grpc.Server;
  readonly #onCall: (call: RecordedCall) => void;

  private constructor(registration: Registration, { address, tls, onCall }: RelayOptions) {
    const check = (call: grpc.ServerUnaryCall<unknown, unknown>) => {
      if (!tls || isCaller(call)) return optionsOf(call);
      throw serviceError(grpc.status.PERMISSION_DENIED, 'only the operator may call a recorded plugin');
    };
    this.#registration = registration;
    this.#onCall = onCall;
    const limits = { 'grpc.max_receive_message_length': maxMessageSize };
    this.#plugin = createGrpcClient(PluginService, address, grpc.credentials.createInsecure(), limits);
    this.#server = new grpc.Server(limits);
    addService(this.#server, PluginService, {
      // Calls on a Work stream are not relayed, so the relay does not announce Work.
      getInfo: async (_, call) => ({ ...(await this.#plugin.getInfo({}, check(call))), servesWork: false }),
      reconcile: (request, call) => this.#relay('Reconcile', request, this.#plugin.reconcile(request, check(call))),
      finalize: (request, call) => this.#relay('Finalize', request, this.#plugin.finalize(request, check(call))),
    });
  }

  /** Starts a relay. */
  static async start(registration: Registration, options: RelayOptions): Promise<{ relay: PluginRelay; port: number }> {
    const relay = new PluginRelay(registration, options);
    const { host, tls } = options;
    const credentials = tls?.credentials ?? grpc.ServerCredentials.createInsecure();
    const port = await new Promise<number>((resolve, reject) => {
      relay.#server.bindAsync(`${host}:0`, credentials, (error, bound) => {
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

  async #relay<A extends Response>(method: RecordedCall['method'], request: Request, answer: Promise<A>): Promise<A> {
    const { plugin, version, instanceId } = this.#registration;
    const startedAt = performance.now();
    const at = new Date().toISOString();
    const record = (outcome: Pick<RecordedCall, 'response' | 'error'>) => {
      const duration = Math.round(performance.now() - startedAt);
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

/** Returns options that pass on the deadline and the cancellation of a call. */
function optionsOf(call: grpc.ServerUnaryCall<unknown, unknown>): { deadline?: number; signal: AbortSignal } {
  const aborted = new AbortController();
  call.on('cancelled', () => aborted.abort());
  const deadline = Number(call.getDeadline());
  return { signal: aborted.signal, ...(Number.isFinite(deadline) ? { deadline } : {}) };
}
