import type { MessageInitShape } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import type { GrpcClient, Lease, Refusal, RegistrationSchema, RegistryService } from '@kplug/protocol';
import { limits } from './limits.ts';
import type { Credentials } from './security/credentials.ts';

/** Client of the controller's registry, with the credentials of its channel. */
export interface ControllerConnection {
  client: GrpcClient<typeof RegistryService>;
  credentials: Credentials;
}

/** Reason why a session, or a series of unary heartbeats, ended. */
export type EndReason = 'broken' | 'refused' | 'unsupported' | 'stopped';

/** Receives what happens in a session. */
export interface SessionObserver {
  /** Returns the interval between heartbeats, in milliseconds. */
  onLease(lease: Lease): number;
  onRefusal(refusal: Refusal): void;
  onError(error: grpc.ServiceError): EndReason;
  /** The controller did not answer the registration in time. The session ends as broken. */
  onNoAnswer(): void;
}

/** Session with a controller: registers the instance, and sends heartbeats until it ends. It then closes its connection. */
export class HeartbeatSession implements ControllerConnection {
  readonly client: ControllerConnection['client'];
  readonly credentials: Credentials;
  /** Resolves when the session has ended. */
  readonly ended: Promise<EndReason>;
  /** Resolves to true when the controller accepts the registration, and to false when the session ends before. */
  readonly accepted: Promise<boolean>;
  readonly #stream: ReturnType<ControllerConnection['client']['session']>;
  /** Aborted when the session has ended. */
  readonly signal: AbortSignal;
  readonly #ending = new AbortController();
  readonly #ended = Promise.withResolvers<EndReason>();
  readonly #accepted = Promise.withResolvers<boolean>();
  /** Runs until the controller answers: neither a lost connection attempt nor a server that hangs is an error of the stream. */
  readonly #unanswered: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #interval = 0;

  constructor(
    { client, credentials }: ControllerConnection,
    registration: MessageInitShape<typeof RegistrationSchema>,
    observer: SessionObserver,
  ) {
    this.client = client;
    this.credentials = credentials;
    this.signal = this.#ending.signal;
    this.ended = this.#ended.promise;
    this.accepted = this.#accepted.promise;
    this.#stream = client.session({ metadata: credentials.metadata });
    this.#stream.on('data', ({ answer }) => {
      if (this.hasEnded) return;
      clearTimeout(this.#unanswered);
      if (answer.case === 'refusal') {
        observer.onRefusal(answer.value);
        this.#end('refused');
      } else if (answer.case === 'lease') {
        this.#sendEvery(observer.onLease(answer.value));
        this.#accepted.resolve(true);
      }
    });
    this.#stream.on('error', (error: grpc.ServiceError) => {
      if (!this.hasEnded) this.#end(observer.onError(error));
    });
    this.#stream.on('end', () => this.#end('broken'));
    this.#stream.write({ message: { case: 'registration', value: registration } });
    this.#unanswered = setTimeout(() => {
      observer.onNoAnswer();
      this.#end('broken');
      this.#stream.cancel();
    }, limits.heartbeat.answerTimeout);
  }

  get hasEnded(): boolean {
    return this.signal.aborted;
  }

  /** Ends the session. The controller no longer expects its heartbeats. */
  close(): void {
    if (this.hasEnded) return;
    this.#stream.end();
    this.#end('stopped');
  }

  #sendEvery(interval: number): void {
    if (interval === this.#interval) return;
    this.#interval = interval;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#stream.write({ message: { case: 'beat', value: {} } }), interval);
  }

  #end(reason: EndReason): void {
    if (this.hasEnded) return;
    this.#ending.abort();
    clearInterval(this.#timer);
    clearTimeout(this.#unanswered);
    this.client.$client.close();
    this.#accepted.resolve(false);
    this.#ended.resolve(reason);
  }
}
