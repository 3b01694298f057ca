import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  createGrpcClient,
  type GrpcClient,
  isServiceError,
  type Lease,
  type Refusal,
  type RegistrationSchema,
  RegistryService,
} from '@kplug/protocol';
import type { Logger } from 'pino';

/** How a session, or a time of unary beats, ended. */
type Ending = 'broken' | 'refused' | 'unsupported' | 'stopped';

type Client = GrpcClient<typeof RegistryService>;

/** The longest wait between two tries to reach a controller, in milliseconds. Well below the default lease of 15 s. */
const longestWait = 5_000;

/** The longest wait before a refused registration is tried again, and twice the shortest: the controller's configuration may change, but not soon. */
const refusedWait = 20_000;

/**
 * Makes a plugin known to its controller and keeps it known: a session that beats, made anew when it breaks; or unary beats
 * where the controller has no sessions. A new client is made for each try, so that the controller's name is resolved anew.
 */
export class HeartbeatClient {
  readonly #controller: string;
  readonly #registration: MessageInitShape<typeof RegistrationSchema>;
  readonly #metadata = new grpc.Metadata();
  readonly #log: Logger;
  readonly #onDrain: () => void;
  readonly #stopped = new AbortController();
  #client: Client | undefined;
  #registered = false;
  #complained = false;
  #running: Promise<void> | undefined;

  /**
   * @param token what proves who beats, if anything does.
   * @param onDrain called when the controller wishes the plugin to drain.
   */
  constructor(
    { controller, token }: { controller: string; token?: string },
    registration: MessageInitShape<typeof RegistrationSchema>,
    log: Logger,
    onDrain: () => void,
  ) {
    this.#controller = controller;
    if (token) this.#metadata.set('authorization', `Bearer ${token}`);
    this.#registration = registration;
    this.#log = log;
    this.#onDrain = onDrain;
  }

  /** Whether a controller has accepted the registration and is still connected. */
  get registered(): boolean {
    return this.#registered;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Tells the controller that the plugin is about to stop, so that it gets no new calls. The session goes on. */
  async deregister(): Promise<void> {
    // A registration may be on its way and not answered yet, so the controller is told whether it is known to know or not.
    const level = this.#registered ? 'warn' : 'debug';
    const { instanceId = '' } = this.#registration;
    try {
      await this.#client?.deregister({ instanceId }, this.#calling(2_000));
    } catch (error) {
      this.#log[level]({ err: error }, 'the controller could not be told that the plugin stops; its lease will end');
    }
  }

  /** Beats no more, and ends the session. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    let way: 'session' | 'unary' = 'session';
    while (!this.#stopped.signal.aborted) {
      const client = createGrpcClient(RegistryService, this.#controller, grpc.credentials.createInsecure(), {
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5_000,
        'grpc.use_local_subchannel_pool': 1,
      });
      this.#client = client;
      const ending = way === 'session' ? await this.#keepSession(client) : await this.#keepBeating(client);
      failures = this.#registered ? 0 : failures + 1;
      this.#registered = false;
      client.$client.close();
      if (ending === 'stopped') return;
      if (ending === 'unsupported') {
        way = 'unary';
        this.#log.info('the controller keeps no sessions; beating by single calls');
        continue;
      }
      await this.#pause(ending === 'refused' ? refusedWait : Math.min(longestWait, 50 * 2 ** Math.min(failures, 10)));
    }
  }

  #keepSession(client: Client): Promise<Ending> {
    const stream = client.session({ metadata: this.#metadata });
    let timer: NodeJS.Timeout | undefined;
    let interval = 0;
    return new Promise<Ending>((resolve) => {
      const end = (ending: Ending) => {
        clearInterval(timer);
        this.#stopped.signal.removeEventListener('abort', onStop);
        resolve(ending);
      };
      const onStop = () => {
        stream.end();
        end('stopped');
      };
      stream.on('data', ({ answer }) => {
        if (answer.case === 'refusal') {
          this.#onRefusal(answer.value);
          end('refused');
        } else if (answer.case === 'lease') {
          const granted = this.#onLease(answer.value);
          if (granted === interval) return;
          interval = granted;
          clearInterval(timer);
          timer = setInterval(() => stream.write({ message: { case: 'beat', value: {} } }), interval);
        }
      });
      stream.on('error', (error: grpc.ServiceError) => end(this.#onError(error)));
      stream.on('end', () => end('broken'));
      this.#stopped.signal.addEventListener('abort', onStop, { once: true });
      stream.write({ message: { case: 'registration', value: this.#registration } });
    });
  }

  async #keepBeating(client: Client): Promise<Ending> {
    while (!this.#stopped.signal.aborted) {
      try {
        const { answer } = await client.heartbeat(
          { registration: this.#registration },
          { ...this.#calling(3_000), signal: this.#stopped.signal },
        );
        if (answer.case !== 'lease') {
          if (answer.case === 'refusal') this.#onRefusal(answer.value);
          return 'refused';
        }
        await this.#pause(this.#onLease(answer.value));
      } catch (error) {
        if (this.#stopped.signal.aborted) return 'stopped';
        if (!isServiceError(error)) throw error;
        this.#onError(error);
        return 'broken';
      }
    }
    return 'stopped';
  }

  /** Options of a call that may take so many milliseconds. */
  #calling(timeout: number): { deadline: number; metadata: grpc.Metadata } {
    return { deadline: Date.now() + timeout, metadata: this.#metadata };
  }

  /** Returns the interval to beat at. */
  #onLease({ interval, drain }: Lease): number {
    const { plugin, version, address } = this.#registration;
    if (!this.#registered) this.#log.info(`registered ${plugin} ${version} at ${address} with ${this.#controller}`);
    this.#registered = true;
    this.#complained = false;
    if (drain) {
      this.#log.info('the controller asks the plugin to drain');
      this.#onDrain();
    }
    return interval ? Math.max(10, durationMs(interval)) : longestWait;
  }

  #onRefusal({ message }: Refusal): void {
    this.#log.error(`${this.#controller} refuses the registration: ${message}`);
  }

  #onError(error: grpc.ServiceError): Ending {
    if (this.#stopped.signal.aborted) return 'stopped';
    if (error.code === grpc.status.UNIMPLEMENTED) return 'unsupported';
    // One line for each time that it is away, not for each try.
    const level = this.#complained ? 'debug' : 'warn';
    this.#complained = true;
    this.#log[level](`the controller can't be reached at ${this.#controller} (${error.details}); trying until it can`);
    return 'broken';
  }

  /** Waits, but no longer than until the heart is stopped; with jitter, so that a restarted controller isn't stormed. */
  #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, milliseconds * (0.5 + Math.random() / 2));
      signal.addEventListener('abort', finish, { once: true });
    });
  }
}
