import * as grpc from '@grpc/grpc-js';
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
  toServiceError,
} from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { PluginRelay } from './plugin-relay.ts';
import type { RecordedCall } from './recorded-call.ts';

type Session = Parameters<GrpcHandlers<typeof RegistryService>['session']>[0];

/**
 * Relays heartbeats and calls between plugins and their controller. It registers the plugins with its own address, so that it can
 * record their calls. The controller decides whether a registration is accepted.
 */
export class Recorder {
  readonly #controller: GrpcClient<typeof RegistryService>;
  readonly #host: string;
  readonly #onCall: (call: RecordedCall) => void;
  readonly #server = new grpc.Server();
  readonly #relays = new Map<string, Promise<{ relay: PluginRelay; port: number }>>();
  #address = '';

  private constructor(controller: string, onCall: (call: RecordedCall) => void) {
    quietGrpc();
    this.#controller = createGrpcClient(RegistryService, controller, grpc.credentials.createInsecure());
    this.#host = /^(localhost|127\.|\[::1\])/.test(controller) ? '127.0.0.1' : '[::]';
    this.#onCall = onCall;
    addService(this.#server, RegistryService, {
      session: (stream) => this.#serve(stream),
      heartbeat: async ({ registration }, call) => {
        const rewritten = registration && (await this.#rewrite(registration, call.getPeer()));
        const options = { deadline: Date.now() + 5_000, metadata: identityOf(call) };
        return this.#controller.heartbeat(rewritten ? { registration: rewritten } : {}, options);
      },
      deregister: (request, call) =>
        this.#controller.deregister(request, { deadline: Date.now() + 5_000, metadata: identityOf(call) }),
    });
  }

  /** Listens for plugins. Rejects with a `CommandError` when the address cannot be used. */
  static async start(controller: string, listen: string, onCall: (call: RecordedCall) => void): Promise<Recorder> {
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
    const controller = this.#controller.session({ metadata: identityOf(stream) });
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
    const { instanceId, address } = registration;
    const host = peer.slice(0, peer.lastIndexOf(':'));
    const plugin = address.startsWith(':') ? `${host}${address}` : address;
    const options = { address: plugin, host: this.#host, onCall: this.#onCall };
    const started = this.#relays.get(instanceId) ?? PluginRelay.start(registration, options);
    this.#relays.set(instanceId, started);
    // The controller uses the host that the registration comes from, which is this one.
    return { ...registration, address: `:${(await started).port}` };
  }
}

/** Returns the metadata by which a plugin proves its identity, to be passed on. */
function identityOf({ metadata }: Pick<Session, 'metadata'>): grpc.Metadata {
  const own = new grpc.Metadata();
  for (const name of ['authorization', 'kplug-secret']) for (const value of metadata.get(name)) own.add(name, value);
  return own;
}
