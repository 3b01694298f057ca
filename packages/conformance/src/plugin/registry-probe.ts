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

/** Something that a plugin said to the registry. */
export interface Heard {
  /** Milliseconds on the monotonic clock. */
  at: number;
  way: 'session' | 'heartbeat';
  /** `ended` is a session that its plugin ended, `broken` one that broke. */
  what: 'registration' | 'beat' | 'deregistration' | 'ended' | 'broken';
  registration?: Registration;
  /** What it brought to prove who it is. */
  authorization?: string;
  /** The host and port that it came from. */
  peer: string;
}

/** A heartbeat in the first Kplug's protocol. */
export interface V0Beat {
  /** Milliseconds on the monotonic clock. */
  at: number;
  information: v0.PluginInformation;
}

/**
 * How the registry answers. `unavailable`: with an error, as one behind a load balancer that is gone. `withoutSessions`: with
 * UNIMPLEMENTED to sessions. `draining`: with the wish that the plugin stops.
 */
export type Manner = 'accepting' | 'unavailable' | 'withoutSessions' | 'draining' | { refusing: string };

type Session = Parameters<GrpcHandlers<typeof RegistryService>['session']>[0];

/** A registry that hears what plugins say, believes nothing, and can behave badly. */
export class RegistryProbe {
  /** All that was heard, oldest first. */
  readonly heard: Heard[] = [];
  /** All heartbeats in the first Kplug's protocol, oldest first. */
  readonly v0Beats: V0Beat[] = [];
  /** The interval that it grants, in milliseconds. */
  readonly interval: number;
  #manner: Manner = 'accepting';
  #server: grpc.Server | undefined;
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

  /** Listens, after `close` where it listened before. */
  async listen(): Promise<void> {
    const server = new grpc.Server();
    addService(server, RegistryService, this.#handlers());
    addService(server, v0.Controller, {
      pluginHeartbeat: (information) => this.#answerV0(information),
    });
    const target = this.address;
    this.#port = await new Promise((resolve, reject) => {
      server.bindAsync(target, grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    this.#server = server;
  }

  /** Stops listening, and breaks all sessions. */
  close(): void {
    this.#server?.drain(this.address, 0);
    this.#server?.forceShutdown();
    this.#server = undefined;
    this.#sessions.clear();
  }

  /** Behaves in another manner from now on; sessions that are open hear of it, or break where it has none. */
  behave(manner: Manner): void {
    this.#manner = manner;
    for (const session of this.#sessions) {
      if (manner === 'unavailable' || manner === 'withoutSessions') session.emit('error', away);
      else this.#answer(session);
    }
  }

  /** What was heard since a time. */
  since(at: number, ...what: Heard['what'][]): Heard[] {
    return this.heard.filter((one) => one.at >= at && (what.length === 0 || what.includes(one.what)));
  }

  #handlers(): Partial<GrpcHandlers<typeof RegistryService>> {
    return {
      session: (stream) => this.#serve(stream),
      heartbeat: ({ registration }, call) => {
        const isNew = !this.heard.some((one) => one.registration?.instanceId === registration?.instanceId);
        const what = isNew || this.#manner === 'unavailable' ? 'registration' : 'beat';
        this.#hear({ way: 'heartbeat', what, ...callerOf(call), ...(registration && { registration }) });
        if (this.#manner === 'unavailable') throw away;
        return this.#reply();
      },
      deregister: (_, call) => {
        this.#hear({ way: 'heartbeat', what: 'deregistration', ...callerOf(call) });
        return {};
      },
    };
  }

  #serve(stream: Session): void {
    const caller = callerOf(stream);
    const hear = (what: Heard['what'], registration?: Registration) =>
      this.#hear({ way: 'session', what, ...caller, ...(registration && { registration }) });
    stream.on('data', ({ message }) => {
      if (message.case !== 'registration') return hear('beat');
      hear('registration', message.value);
      if (this.#manner === 'unavailable') return stream.emit('error', away);
      if (this.#manner === 'withoutSessions') return stream.emit('error', unimplemented);
      this.#sessions.add(stream);
      this.#answer(stream);
    });
    stream.on('end', () => {
      this.#sessions.delete(stream);
      hear('ended');
      stream.end();
    });
    stream.on('cancelled', () => {
      if (this.#sessions.delete(stream)) hear('broken');
    });
  }

  #answerV0(information: v0.PluginInformation) {
    this.v0Beats.push({ at: performance.now(), information });
    const manner = this.#manner;
    if (manner === 'unavailable') throw away;
    const { address, name, api } = information;
    const fault = address && name && api ? '' : 'a heartbeat must have an address, a name and an api';
    const notAcceptedReason = typeof manner === 'object' ? manner.refusing : fault;
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
    const manner = this.#manner;
    if (typeof manner === 'object') {
      return {
        answer: { case: 'refusal' as const, value: { reason: RefusalReason.INVALID, message: manner.refusing } },
      };
    }
    const terms = { interval: durationFromMs(this.interval), ttl: durationFromMs(this.interval * 3) };
    return { answer: { case: 'lease' as const, value: { ...terms, drain: manner === 'draining' } } };
  }

  #hear(heard: Omit<Heard, 'at'>): void {
    this.heard.push({ at: performance.now(), ...heard });
  }
}

function callerOf(call: Pick<Session, 'getPeer' | 'metadata'>): Pick<Heard, 'peer' | 'authorization'> {
  const [authorization] = call.metadata.get('authorization');
  return { peer: call.getPeer(), ...(authorization === undefined ? {} : { authorization: String(authorization) }) };
}

const away = serviceError(grpc.status.UNAVAILABLE, 'this registry is away on purpose');
const unimplemented = serviceError(grpc.status.UNIMPLEMENTED, 'this registry has no sessions on purpose');
