import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  backOffDelay,
  createGrpcClient,
  isServiceError,
  type Lease,
  messageOf,
  type Refusal,
  type RegistrationSchema,
  RegistryService,
  withJitter,
} from '@kplug/protocol';
import type { Logger } from 'pino';
import { type ControllerConnection, type EndReason, HeartbeatSession } from './heartbeat-session.ts';
import { limits } from './limits.ts';
import { pause } from './pause.ts';
import type { CredentialSource, Credentials } from './security/credentials.ts';
import { adviceOn, causeIn } from './security/tls-advice.ts';
import { reasonIn } from './stream-reset.ts';

const reconnectBackOff = { initial: limits.heartbeat.initialBackOff, max: limits.heartbeat.maxBackOff };

/** The configuration of a controller that refuses the registration may change, but rarely does. */
const { refusedDelay } = limits.heartbeat;

/** Controller to register with. */
interface Target {
  /** Address as `host:port`. */
  controller: string;
  credentials: CredentialSource;
  /** Name expected in the controller's certificate; missing for plain text. */
  serverName?: string;
  /** True for a plugin that the controller started, and stops when it stops. */
  isHosted: boolean;
}

/**
 * Registers a plugin with its controller and keeps the registration alive. It sends heartbeats over a session, which it opens again when it
 * breaks, or as unary calls if the controller has no sessions. Each attempt has a channel of its own, so that the name of the controller is
 * resolved again. When a token or certificate changes, a session with the new one replaces the session after it was accepted, so that the
 * controller never misses the plugin.
 */
export class HeartbeatClient {
  readonly #target: Target;
  readonly #registration: MessageInitShape<typeof RegistrationSchema>;
  readonly #log: Logger;
  readonly #onDrain: () => void;
  readonly #stopped = new AbortController();
  /** Connection of the session or of the unary heartbeats. */
  #connection: ControllerConnection | undefined;
  #mode: 'session' | 'unary' = 'session';
  #registered = false;
  /** Failures and refusals that were logged since the last lease. */
  readonly #logged = new Set<string>();
  #running: Promise<void> | undefined;

  /** @param onDrain called when the controller requests a drain. */
  constructor(
    target: Target,
    registration: MessageInitShape<typeof RegistrationSchema>,
    log: Logger,
    onDrain: () => void,
  ) {
    this.#target = target;
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
    const connection = this.#connection;
    if (!connection) return;
    try {
      const { deregistrationTimeout } = limits.heartbeat;
      await connection.client.deregister({ instanceId }, callOptions(connection, deregistrationTimeout));
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
    while (!signal.aborted) {
      const credentials = this.#target.credentials.current();
      const reason = credentials ? await this.#connect(credentials) : 'unready';
      failures = this.#registered ? 1 : failures + 1;
      this.#registered = false;
      if (reason === 'stopped') return;
      if (reason === 'unsupported') {
        this.#mode = 'unary';
        this.#log.info('the controller has no sessions; sending heartbeats as unary calls');
      } else if (reason !== 'changed') {
        const delay = reason === 'refused' ? withJitter(refusedDelay) : backOffDelay(failures, reconnectBackOff);
        await this.#pauseUntilChanged(credentials, delay);
      }
    }
  }

  async #connect(credentials: Credentials): Promise<EndReason | 'changed'> {
    if (this.#mode === 'session') return this.#keepSession(credentials);
    this.#connection = this.#open(credentials);
    try {
      return await this.#sendHeartbeats(this.#connection);
    } finally {
      this.#connection.client.$client.close();
    }
  }

  #open(credentials: Credentials): ControllerConnection {
    const client = createGrpcClient(RegistryService, this.#target.controller, credentials.channel, {
      ...credentials.options,
      'grpc.keepalive_time_ms': limits.heartbeat.keepaliveInterval,
      'grpc.keepalive_timeout_ms': limits.heartbeat.keepaliveTimeout,
      'grpc.use_local_subchannel_pool': 1,
    });
    return { client, credentials };
  }

  /** Keeps a session until it ends, and replaces it when the credentials change. */
  async #keepSession(credentials: Credentials): Promise<EndReason> {
    let session = this.#openSession(credentials);
    let notBefore = 0;
    let tried: Credentials | undefined;
    for (;;) {
      this.#connection = session;
      await pause(limits.security.pollInterval, session.signal);
      if (session.hasEnded) return session.ended;
      const current = this.#target.credentials.current();
      if (!current || current === session.credentials) continue;
      if (current === tried && performance.now() < notBefore) continue;
      const next = this.#openSession(current, 'the previous session continues');
      if (await next.accepted) {
        session.close();
        session = next;
        this.#log.info('token or certificate changed; replaced the session');
      } else {
        next.close();
        tried = current;
        notBefore = performance.now() + withJitter(refusedDelay);
      }
    }
  }

  /** @param consequence of a failure, for the log. */
  #openSession(credentials: Credentials, consequence = 'retrying'): HeartbeatSession {
    const session = new HeartbeatSession(this.#open(credentials), this.#registrationWith(credentials), {
      onLease: (lease) => this.#onLease(lease),
      onRefusal: (refusal) => this.#onRefusal(refusal, consequence),
      onError: (error) => this.#onError(error, consequence),
      onNoAnswer: () => this.#onNoAnswer(consequence),
    });
    const onStop = () => session.close();
    const { signal } = this.#stopped;
    signal.addEventListener('abort', onStop, { once: true });
    void session.ended.then(() => signal.removeEventListener('abort', onStop));
    return session;
  }

  async #sendHeartbeats(connection: ControllerConnection): Promise<EndReason | 'changed'> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      if (this.#target.credentials.current() !== connection.credentials) return 'changed';
      try {
        const lease = await this.#sendHeartbeat(connection);
        if (!lease) return 'refused';
        await pause(withJitter(this.#onLease(lease)), signal);
      } catch (error) {
        if (signal.aborted) return 'stopped';
        if (!isServiceError(error)) throw error;
        this.#onError(error, 'retrying');
        return 'broken';
      }
    }
    return 'stopped';
  }

  /** Returns the lease; `undefined` if the registration is refused. */
  async #sendHeartbeat(connection: ControllerConnection): Promise<Lease | undefined> {
    const options = { ...callOptions(connection, limits.heartbeat.timeout), signal: this.#stopped.signal };
    const registration = this.#registrationWith(connection.credentials);
    const { answer } = await connection.client.heartbeat({ registration }, options);
    if (answer.case === 'refusal') this.#onRefusal(answer.value, 'retrying');
    return answer.case === 'lease' ? answer.value : undefined;
  }

  #registrationWith({ certificate }: Credentials): MessageInitShape<typeof RegistrationSchema> {
    return certificate ? { ...this.#registration, certificate } : this.#registration;
  }

  /** Waits for a delay in milliseconds, but no longer than until the credentials change. */
  async #pauseUntilChanged(credentials: Credentials | undefined, delay: number): Promise<void> {
    const { signal } = this.#stopped;
    const end = performance.now() + delay;
    for (let rest = delay; rest > 0 && !signal.aborted; rest = end - performance.now()) {
      await pause(Math.min(rest, limits.security.pollInterval), signal);
      if (this.#target.credentials.current() !== credentials) return;
    }
  }

  /** Returns the interval between heartbeats, in milliseconds. */
  #onLease({ interval, drain }: Lease): number {
    const { plugin, version, address } = this.#registration;
    if (!this.#registered)
      this.#log.info(`registered ${plugin} ${version} at ${address} with ${this.#target.controller}`);
    this.#registered = true;
    this.#logged.clear();
    if (drain) {
      this.#log.info('the controller requested a drain');
      this.#onDrain();
    }
    return interval ? Math.max(limits.heartbeat.minInterval, durationMs(interval)) : limits.heartbeat.interval;
  }

  #onRefusal({ message }: Refusal, consequence: string): void {
    this.#logOnce('error', `${this.#target.controller} refused the registration: ${message}; ${consequence}`);
  }

  #onError(error: grpc.ServiceError, consequence: string): EndReason {
    if (this.#stopped.signal.aborted) return 'stopped';
    if (error.code === grpc.status.UNIMPLEMENTED) return 'unsupported';
    const { controller, serverName } = this.#target;
    const advice = adviceOn(error.details, serverName);
    const reason = advice ? `${causeIn(error.details)}; ${advice}` : reasonIn(error.details);
    this.#logFailure(`heartbeat to ${controller} failed: ${reason}; ${consequence}`, advice);
    return 'broken';
  }

  #onNoAnswer(consequence: string): void {
    const seconds = limits.heartbeat.answerTimeout / 1_000;
    this.#logFailure(`heartbeat to ${this.#target.controller} failed: no answer within ${seconds} s; ${consequence}`);
  }

  /** Logs one warning per outage, not per attempt. */
  #logFailure(message: string, kind = 'failure'): void {
    // A plugin whose controller started it is stopped with the controller.
    if (this.#target.isHosted) this.#log.debug(message);
    else this.#logOnce('warn', message, kind);
  }

  /** Logs a message of a kind, and its repetitions before the next lease for debugging only. */
  #logOnce(level: 'warn' | 'error', message: string, kind = message): void {
    this.#log[this.#logged.has(kind) ? 'debug' : level](message);
    if (this.#logged.size >= limits.heartbeat.maxLoggedFailures) this.#logged.clear();
    this.#logged.add(kind);
  }
}

/** Options of a call with a timeout in milliseconds. */
function callOptions(
  { credentials: { metadata } }: ControllerConnection,
  timeout: number,
): { deadline: number; metadata: grpc.Metadata } {
  return { deadline: Date.now() + timeout, metadata };
}
