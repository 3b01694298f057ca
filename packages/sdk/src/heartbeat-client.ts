import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  backOffDelay,
  createGrpcClient,
  type GrpcClient,
  isServiceError,
  type Lease,
  messageOf,
  type Refusal,
  type RegistrationSchema,
  RegistryService,
  withJitter,
} from '@kplug/protocol';
import type { Logger } from 'pino';
import { limits } from './limits.ts';
import { pause } from './pause.ts';

/** Reason why a session, or a series of unary heartbeats, ended. */
type EndReason = 'broken' | 'refused' | 'unsupported' | 'stopped';

type Client = GrpcClient<typeof RegistryService>;

const reconnectBackOff = { initial: limits.heartbeat.initialBackOff, max: limits.heartbeat.maxBackOff };

/** The configuration of a controller that refuses the registration may change, but rarely does. */
const { refusedDelay } = limits.heartbeat;

/**
 * Registers a plugin with its controller and keeps the registration alive. It sends heartbeats over a session, which it opens again when it
 * breaks, or as unary calls if the controller has no sessions. Each attempt has a channel of its own, so that the name of the controller is
 * resolved again.
 */
export class HeartbeatClient {
  readonly #controller: string;
  readonly #registration: MessageInitShape<typeof RegistrationSchema>;
  readonly #metadata = new grpc.Metadata();
  readonly #isHosted: boolean;
  readonly #log: Logger;
  readonly #onDrain: () => void;
  readonly #stopped = new AbortController();
  #client: Client | undefined;
  #registered = false;
  #failureLogged = false;
  #running: Promise<void> | undefined;

  /**
   * @param token authenticates the plugin to a controller that started it.
   * @param onDrain called when the controller requests a drain.
   */
  constructor(
    { controller, token }: { controller: string; token?: string },
    registration: MessageInitShape<typeof RegistrationSchema>,
    log: Logger,
    onDrain: () => void,
  ) {
    this.#controller = controller;
    this.#isHosted = Boolean(token);
    if (token) this.#metadata.set('authorization', `Bearer ${token}`);
    this.#registration = registration;
    this.#log = log;
    this.#onDrain = onDrain;
  }

  /** Reports whether a controller has accepted the registration and is still connected. */
  get registered(): boolean {
    return this.#registered;
  }

  /** Starts to send heartbeats. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Tells the controller that the plugin is about to stop, so that it gets no new calls. Heartbeats continue. */
  async deregister(): Promise<void> {
    // A registration may be in flight, so this is sent even if the controller has not answered yet.
    const { instanceId = '' } = this.#registration;
    try {
      await this.#client?.deregister({ instanceId }, this.#callOptions(limits.heartbeat.deregistrationTimeout));
    } catch (error) {
      // A controller that is gone, such as one that stops its plugins when it stops, needs no deregistration.
      const isGone = isServiceError(error) && error.code === grpc.status.UNAVAILABLE;
      const level = this.#registered && !isGone ? 'warn' : 'debug';
      this.#log[level](`deregistration failed: ${messageOf(error)}; the lease will expire instead`);
    }
  }

  /** Stops the heartbeats and closes the session. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    let failures = 0;
    let mode: 'session' | 'unary' = 'session';
    while (!signal.aborted) {
      const client = createGrpcClient(RegistryService, this.#controller, grpc.credentials.createInsecure(), {
        'grpc.keepalive_time_ms': limits.heartbeat.keepaliveInterval,
        'grpc.keepalive_timeout_ms': limits.heartbeat.keepaliveTimeout,
        'grpc.use_local_subchannel_pool': 1,
      });
      this.#client = client;
      const reason = mode === 'session' ? await this.#runSession(client) : await this.#sendHeartbeats(client);
      failures = this.#registered ? 1 : failures + 1;
      this.#registered = false;
      client.$client.close();
      if (reason === 'stopped') return;
      if (reason === 'unsupported') {
        mode = 'unary';
        this.#log.info('the controller has no sessions; sending heartbeats as unary calls');
        continue;
      }
      await pause(reason === 'refused' ? withJitter(refusedDelay) : backOffDelay(failures, reconnectBackOff), signal);
    }
  }

  #runSession(client: Client): Promise<EndReason> {
    const stream = client.session({ metadata: this.#metadata });
    let timer: NodeJS.Timeout | undefined;
    let interval = 0;
    return new Promise<EndReason>((resolve) => {
      const end = (reason: EndReason) => {
        clearInterval(timer);
        this.#stopped.signal.removeEventListener('abort', onStop);
        resolve(reason);
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

  async #sendHeartbeats(client: Client): Promise<EndReason> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const { answer } = await client.heartbeat(
          { registration: this.#registration },
          { ...this.#callOptions(limits.heartbeat.timeout), signal },
        );
        if (answer.case !== 'lease') {
          if (answer.case === 'refusal') this.#onRefusal(answer.value);
          return 'refused';
        }
        await pause(withJitter(this.#onLease(answer.value)), signal);
      } catch (error) {
        if (signal.aborted) return 'stopped';
        if (!isServiceError(error)) throw error;
        this.#onError(error);
        return 'broken';
      }
    }
    return 'stopped';
  }

  /** Options of a call with a timeout in milliseconds. */
  #callOptions(timeout: number): { deadline: number; metadata: grpc.Metadata } {
    return { deadline: Date.now() + timeout, metadata: this.#metadata };
  }

  /** Returns the interval between heartbeats, in milliseconds. */
  #onLease({ interval, drain }: Lease): number {
    const { plugin, version, address } = this.#registration;
    if (!this.#registered) this.#log.info(`registered ${plugin} ${version} at ${address} with ${this.#controller}`);
    this.#registered = true;
    this.#failureLogged = false;
    if (drain) {
      this.#log.info('the controller requested a drain');
      this.#onDrain();
    }
    return interval ? Math.max(limits.heartbeat.minInterval, durationMs(interval)) : limits.heartbeat.interval;
  }

  #onRefusal({ message }: Refusal): void {
    this.#log.error(`${this.#controller} refused the registration: ${message}`);
  }

  #onError(error: grpc.ServiceError): EndReason {
    if (this.#stopped.signal.aborted) return 'stopped';
    if (error.code === grpc.status.UNIMPLEMENTED) return 'unsupported';
    // One warning per outage, not per attempt. None from a plugin whose controller started it, and stops it when it stops.
    const level = this.#failureLogged || this.#isHosted ? 'debug' : 'warn';
    this.#failureLogged = true;
    this.#log[level](`heartbeat to ${this.#controller} failed: ${error.details}; retrying`);
    return 'broken';
  }
}
