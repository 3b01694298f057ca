import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  addService,
  type GrpcHandlers,
  quietGrpc,
  RefusalReason,
  type Registration,
  RegistryService,
  serviceError,
  v0,
} from '@kplug/protocol';

/** Message from a plugin to the registry, or the end of its session. */
export interface RegistryEvent {
  /** Milliseconds of the monotonic clock. */
  at: number;
  call: 'session' | 'heartbeat';
  /** `ended` for a session that the plugin ended, `broken` for one that broke. */
  type: 'registration' | 'beat' | 'deregistration' | 'ended' | 'broken';
  registration?: Registration;
  /** Authorization metadata of the call. */
  authorization?: string;
  /** Secret of the call. */
  secret?: string;
  /** Host and port of the plugin. */
  peer: string;
}

/** A heartbeat in the first Kplug's protocol. */
export interface V0Heartbeat {
  /** Milliseconds of the monotonic clock. */
  at: number;
  information: v0.PluginInformation;
}

/**
 * Behaviour of the registry. `unavailable` answers with UNAVAILABLE. `withoutSessions` answers sessions with UNIMPLEMENTED.
 * `draining` asks plugins to drain. `refusing` refuses registrations with a message; default reason INVALID.
 */
export type RegistryBehavior =
  | 'accepting'
  | 'unavailable'
  | 'withoutSessions'
  | 'draining'
  | { refusing: string; reason?: RefusalReason };

type Session = Parameters<GrpcHandlers<typeof RegistryService>['session']>[0];

/** Registry that records all messages of plugins and can simulate failures. */
export class RegistryProbe {
  /** All events, oldest first. */
  readonly events: RegistryEvent[] = [];
  /** All heartbeats in the first Kplug's protocol, oldest first. */
  readonly v0Heartbeats: V0Heartbeat[] = [];
  /** Heartbeat interval that it grants, in milliseconds. */
  readonly interval: number;
  #behavior: RegistryBehavior = 'accepting';
  #server: grpc.Server | undefined;
  #credentials = grpc.ServerCredentials.createInsecure();
  #port = 0;
  readonly #sessions = new Set<Session>();

  private constructor(interval: number) {
    this.interval = interval;
    quietGrpc();
  }

  static async start(interval: number): Promise<RegistryProbe> {
    const probe = new RegistryProbe(interval);
    await probe.listen();
    return probe;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Listens; after `close`, at the same address as before. */
  async listen(): Promise<void> {
    const server = new grpc.Server();
    addService(server, RegistryService, this.#handlers());
    addService(server, v0.Controller, {
      pluginHeartbeat: (information) => this.#answerV0(information),
    });
    const target = this.address;
    this.#port = await new Promise((resolve, reject) => {
      server.bindAsync(target, this.#credentials, (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    this.#server = server;
  }

  /** Stops listening and breaks all sessions. */
  close(): void {
    this.#server?.drain(this.address, 0);
    this.#server?.forceShutdown();
    this.#server = undefined;
    this.#sessions.clear();
  }

  /** Listens again, with other credentials. @param credentials default: plain text. */
  async secure(credentials = grpc.ServerCredentials.createInsecure()): Promise<void> {
    this.close();
    this.#credentials = credentials;
    await this.listen();
  }

  /** Changes the behaviour. Open sessions get another answer, or break if the new behaviour has no sessions. */
  behave(behavior: RegistryBehavior): void {
    this.#behavior = behavior;
    for (const session of this.#sessions) {
      if (behavior === 'unavailable' || behavior === 'withoutSessions') session.emit('error', unavailable);
      else this.#answer(session);
    }
  }

  /** Returns the events since a time, optionally only those of some types. */
  since(at: number, ...types: RegistryEvent['type'][]): RegistryEvent[] {
    return this.events.filter((event) => event.at >= at && (types.length === 0 || types.includes(event.type)));
  }

  #handlers(): Partial<GrpcHandlers<typeof RegistryService>> {
    return {
      session: (stream) => this.#serve(stream),
      heartbeat: ({ registration }, call) => {
        const isNew = !this.events.some((one) => one.registration?.instanceId === registration?.instanceId);
        const type = isNew || this.#behavior === 'unavailable' ? 'registration' : 'beat';
        this.#record({ call: 'heartbeat', type, ...callerOf(call), ...(registration && { registration }) });
        if (this.#behavior === 'unavailable') throw unavailable;
        return this.#reply();
      },
      deregister: (_, call) => {
        this.#record({ call: 'heartbeat', type: 'deregistration', ...callerOf(call) });
        return {};
      },
    };
  }

  #serve(stream: Session): void {
    const caller = callerOf(stream);
    const record = (type: RegistryEvent['type'], registration?: Registration) =>
      this.#record({ call: 'session', type, ...caller, ...(registration && { registration }) });
    stream.on('data', ({ message }) => {
      if (message.case !== 'registration') return record('beat');
      record('registration', message.value);
      if (this.#behavior === 'unavailable') return stream.emit('error', unavailable);
      if (this.#behavior === 'withoutSessions') return stream.emit('error', unimplemented);
      this.#sessions.add(stream);
      this.#answer(stream);
    });
    stream.on('end', () => {
      this.#sessions.delete(stream);
      record('ended');
      stream.end();
    });
    stream.on('cancelled', () => {
      if (this.#sessions.delete(stream)) record('broken');
    });
  }

  #answerV0(information: v0.PluginInformation) {
    this.v0Heartbeats.push({ at: performance.now(), information });
    const behavior = this.#behavior;
    if (behavior === 'unavailable') throw unavailable;
    const { address, name, api } = information;
    const fault = address && name && api ? '' : 'a heartbeat must have an address, a name and an api';
    const notAcceptedReason = typeof behavior === 'object' ? behavior.refusing : fault;
    return { accepted: notAcceptedReason === '', notAcceptedReason };
  }

  #answer(session: Session): void {
    const reply = this.#reply();
    session.write(reply);
    if (reply.answer.case !== 'refusal') return;
    this.#sessions.delete(session);
    session.end();
  }

  #reply() {
    const behavior = this.#behavior;
    if (typeof behavior === 'object') {
      const { reason = RefusalReason.INVALID } = behavior;
      return {
        answer: { case: 'refusal' as const, value: { reason, message: behavior.refusing } },
      };
    }
    const lease = { interval: durationFromMs(this.interval), ttl: durationFromMs(this.interval * 3) };
    return { answer: { case: 'lease' as const, value: { ...lease, drain: behavior === 'draining' } } };
  }

  #record(event: Omit<RegistryEvent, 'at'>): void {
    this.events.push({ at: performance.now(), ...event });
  }
}

function callerOf(
  call: Pick<Session, 'getPeer' | 'metadata'>,
): Pick<RegistryEvent, 'peer' | 'authorization' | 'secret'> {
  const [authorization] = call.metadata.get('authorization');
  const [secret] = call.metadata.get('kplug-secret');
  return {
    peer: call.getPeer(),
    ...(authorization === undefined ? {} : { authorization: String(authorization) }),
    ...(secret === undefined ? {} : { secret: String(secret) }),
  };
}

const unavailable = serviceError(grpc.status.UNAVAILABLE, 'deliberately unavailable');
const unimplemented = serviceError(grpc.status.UNIMPLEMENTED, 'deliberately without sessions');
