import * as grpc from '@grpc/grpc-js';
import type { ControllerAccess } from '@kplug/conformance';
import {
  addService,
  createGrpcClient,
  type GrpcClient,
  type GrpcHandlers,
  quietGrpc,
  type Registration,
  RegistryService,
  type SessionRequest,
  type SessionResponse,
  serviceError,
  toServiceError,
} from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { PluginRelay } from './plugin-relay.ts';
import type { RecordedCall } from './recorded-call.ts';
import type { RelayTls } from './relay-tls.ts';

/** Controller whose calls are recorded. */
export interface RecordedController {
  /** Address of its heartbeat port. */
  address: string;
  access: ControllerAccess;
  /** TLS of the relays, for a controller that calls plugins by TLS. Default: plain text. */
  tls?: RelayTls | undefined;
}

/** Metadata by which a plugin proves who it is. */
const proofs = ['authorization', 'kplug-secret'];

const recordsPlainText =
  'the plugin accepts calls by TLS only, and kplug record calls plugins in plain text; start it with KPLUG_INSECURE=true and without KPLUG_TLS_*';

type Session = Parameters<GrpcHandlers<typeof RegistryService>['session']>[0];

/**
 * Relays heartbeats and calls between plugins and their controller. It registers the plugins with its own address, so that it can
 * record their calls. The controller decides whether a registration is accepted.
 */
export class Recorder {
  readonly #controller: GrpcClient<typeof RegistryService>;
  readonly #host: string;
  readonly #tls: RelayTls | undefined;
  readonly #token: string | undefined;
  readonly #onCall: (call: RecordedCall) => void;
  readonly #server = new grpc.Server();
  readonly #relays = new Map<string, Promise<{ relay: PluginRelay; port: number }>>();
  #address = '';

  private constructor({ address, access, tls }: RecordedController, onCall: (call: RecordedCall) => void) {
    quietGrpc();
    const { credentials = grpc.credentials.createInsecure(), serverName, token } = access;
    const options = serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName };
    this.#controller = createGrpcClient(RegistryService, address, credentials, options);
    this.#host = hostFor(address);
    this.#tls = tls;
    this.#token = token;
    this.#onCall = onCall;
    addService(this.#server, RegistryService, {
      session: (stream) => this.#serve(stream),
      heartbeat: async ({ registration }, call) => {
        const rewritten = registration && (await this.#rewrite(registration, call.getPeer()));
        return this.#controller.heartbeat(rewritten ? { registration: rewritten } : {}, this.#optionsOf(call));
      },
      deregister: (request, call) => this.#controller.deregister(request, this.#optionsOf(call)),
    });
  }

  /** Listens for plugins. Rejects with a `CommandError` when the address cannot be used. */
  static async start(
    controller: RecordedController,
    listen: string,
    onCall: (call: RecordedCall) => void,
  ): Promise<Recorder> {
    const recorder = new Recorder(controller, onCall);
    const port = await new Promise<number>((resolve, reject) => {
      recorder.#server.bindAsync(listen, grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error)
          reject(
            new CommandError(
              'usage',
              `cannot listen on ${listen}: ${error.message}; give another address with --listen`,
            ),
          );
        else resolve(bound);
      });
    });
    recorder.#address = listen.replace(/:\d+$/, `:${port}`);
    return recorder;
  }

  /** Address for heartbeats. */
  get address(): string {
    return this.#address;
  }

  async close(): Promise<void> {
    this.#server.forceShutdown();
    for (const started of this.#relays.values()) (await started).relay.close();
    this.#controller.$client.close();
  }

  #serve(stream: Session): void {
    const peer = stream.getPeer();
    const controller = this.#controller.session({ metadata: this.#proofsOf(stream) });
    let isOver = false;
    // Keeps the order of messages, although the first waits for its relay.
    let sent = Promise.resolve();
    stream.on('data', (request: SessionRequest) => {
      sent = sent.then(async () => {
        const { message } = request;
        if (message.case !== 'registration') return void controller.write(request);
        const value = await this.#rewrite(message.value, peer);
        controller.write({ message: { case: 'registration', value } });
      });
      sent.catch((error: Error) => stream.emit('error', toServiceError(error)));
    });
    stream.on('end', () => controller.end());
    stream.on('cancelled', () => controller.cancel());
    controller.on('data', (response: SessionResponse) => stream.write(response));
    controller.on('end', () => isOver || stream.end());
    controller.on('error', ({ code, details }: grpc.ServiceError) => {
      isOver = true;
      stream.emit('error', { code, details });
    });
  }

  async #rewrite(registration: Registration, peer: string): Promise<Registration> {
    const { instanceId, address, certificate } = registration;
    if (certificate.length > 0) throw serviceError(grpc.status.FAILED_PRECONDITION, recordsPlainText);
    const host = peer.slice(0, peer.lastIndexOf(':'));
    const plugin = address.startsWith(':') ? `${host}${address}` : address;
    const options = { address: plugin, host: this.#host, tls: this.#tls, onCall: this.#onCall };
    const started = this.#relays.get(instanceId) ?? PluginRelay.start(registration, options);
    this.#relays.set(instanceId, started);
    // The controller uses the host that the registration comes from, which is this one.
    const rewritten = { ...registration, address: `:${(await started).port}` };
    return this.#tls ? { ...rewritten, certificate: this.#tls.certificate } : rewritten;
  }

  /** Returns the proofs of a plugin, for the controller; with the recorder's token if it has one. */
  #proofsOf({ metadata }: { metadata: grpc.Metadata }): grpc.Metadata {
    const passed = new grpc.Metadata();
    for (const name of proofs) for (const value of metadata.get(name)) passed.add(name, value);
    if (this.#token !== undefined) passed.set('authorization', `Bearer ${this.#token}`);
    return passed;
  }

  #optionsOf(call: { metadata: grpc.Metadata }): { deadline: number; metadata: grpc.Metadata } {
    return { deadline: Date.now() + 5_000, metadata: this.#proofsOf(call) };
  }
}

/** Returns the host on which the controller reaches relays. */
function hostFor(controller: string): string {
  return /^(localhost|127\.[0-9.]+|\[::1\])(?=:)/i.exec(controller)?.[0] ?? '[::]';
}
