// Imports internal modules, as the packages don't export their parts.

import { Duplex } from 'node:stream';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { HeartbeatRequestSchema, SessionRequestSchema, type SessionResponse } from '@kplug/protocol';
import { pino } from 'pino';
import { CompositeAuthenticator } from '../../packages/controller/src/authentication/composite-authenticator.ts';
import { TokenReviewAuthenticator } from '../../packages/controller/src/authentication/token-review-authenticator.ts';
import { Gate } from '../../packages/controller/src/heartbeat/gate.ts';
import { registryService } from '../../packages/controller/src/heartbeat/registry-service.ts';
import type { SessionStream } from '../../packages/controller/src/heartbeat/serve-session.ts';
import { AwakeClock } from '../../packages/controller/src/registry/clock.ts';
import { LeasePolicy } from '../../packages/controller/src/registry/lease-policy.ts';
import { PluginWatches } from '../../packages/controller/src/registry/plugin-watches.ts';
import { RegistrationReader } from '../../packages/controller/src/registry/read-registration.ts';
import { Registry } from '../../packages/controller/src/registry/registry.ts';
import { Reservations } from '../../packages/controller/src/registry/reservations.ts';
import { VirtualTime } from '../../packages/testing/src/simulation/virtual-time.ts';
import { serveCommands } from './commands.ts';
import { podNetwork, reviewOf, tokenOf } from './plugin-identities.ts';
import { hostOf, registration } from './registrations.ts';

/** Time that a review takes, in milliseconds. */
const reviewTime = 20;

/** Lifetime of the tokens, and age at which the kubelet renews them, in seconds. */
const tokenLifetime = 3_600;
const renewalAge = 0.8 * tokenLifetime;

const second = 1_000;
const heartbeatInterval = 5 * second;
/** Interval at which the heartbeats that are due are sent. */
const step = 100;

/** Reviews that an API server counted. */
export interface CountedReviews {
  reviews: number;
  /** Largest number in one second, after those of the start. */
  mostInSecond: number;
  heartbeats: number;
}

interface CountOptions {
  way: 'session' | 'unary';
  plugins: number;
  /** In seconds. */
  duration: number;
}

/** Lets timers wait for at least a millisecond, as those of Node.js do. Virtual time stands still for shorter ones. */
function lengthenTimers(): void {
  const { setTimeout: schedule } = globalThis;
  const lengthened = (callback: () => void, delay = 1) => schedule(callback, Math.max(1, delay));
  globalThis.setTimeout = lengthened as typeof setTimeout;
}

/** Heartbeat service of a controller on a cluster, from its RPCs on, in virtual time. The API server counts the reviews and accepts all. */
class CountingService implements Disposable {
  readonly time = new VirtualTime();
  readonly reviewedAt: number[] = [];
  heartbeats = 0;
  refusal = '';
  readonly #clock = new AwakeClock();
  readonly #service: ReturnType<typeof registryService>;

  constructor() {
    lengthenTimers();
    const registry = new Registry({ clock: this.#clock });
    const reviewer = {
      review: async (token: string) => {
        this.reviewedAt.push(this.time.now);
        await new Promise((resolve) => setTimeout(resolve, reviewTime));
        return reviewOf(token);
      },
    };
    const serviceAccounts = new TokenReviewAuthenticator({ reviewer, logger: pino({ level: 'silent' }) });
    const authenticator = new CompositeAuthenticator({ serviceAccounts });
    this.#service = registryService({
      registry,
      watches: new PluginWatches(registry),
      reader: new RegistrationReader(new LeasePolicy()),
      gate: new Gate({ security: 'secured', reservations: new Reservations(), authenticator }),
      admission: () => undefined,
      podNetwork,
      observer: {
        received: () => this.heartbeats++,
        refused: ({ message }) => {
          this.refusal = message;
        },
      },
      connectionOf: (call) => ({ encrypted: true, isPrivate: false, peer: call.getPeer(), isSameMachine: false }),
      opened: () => undefined,
      accepted: () => undefined,
    });
  }

  /** Sends a heartbeat of an instance as a call of its own. */
  async heartbeat(index: number, token: string): Promise<void> {
    const request = create(HeartbeatRequestSchema, { registration: registration(index) });
    await this.#service.heartbeat(request, callOf(index, token) as never);
  }

  /** Opens a session of an instance. Returns its stream, to write heartbeats to. */
  openSession(index: number, token: string): SessionClient {
    const client = new SessionClient();
    const stream = Object.assign(client.server, callOf(index, token));
    this.#service.session(stream as unknown as SessionStream);
    client.send({ case: 'registration', value: registration(index) });
    return client;
  }

  [Symbol.dispose](): void {
    this.#clock[Symbol.dispose]();
    this.time[Symbol.dispose]();
  }
}

/** Session without a network. */
class SessionClient {
  readonly server = new Duplex({
    objectMode: true,
    read: () => undefined,
    write: (response: SessionResponse, _, done) => {
      if (response.answer.case === 'refusal') this.refusal = response.answer.value.message;
      done();
    },
  });
  refusal = '';

  send(message: NonNullable<MessageInitShape<typeof SessionRequestSchema>['message']>): void {
    this.server.push(create(SessionRequestSchema, { message }));
  }

  end(): void {
    this.server.push(null);
  }
}

/** Parts of a call that the service reads. */
function callOf(index: number, token: string) {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return { metadata, getPeer: () => hostOf(index) };
}

/** Plugin that sends heartbeats in one of the two ways. */
class Plugin {
  readonly #service: CountingService;
  readonly #index: number;
  readonly #way: 'session' | 'unary';
  /** Age of its first token at the start, in seconds: the tokens of a cluster are of all ages. */
  readonly #age: number;
  #issuedAt = Number.NaN;
  #token = '';
  #session: SessionClient | undefined;

  constructor(service: CountingService, { way, plugins }: CountOptions, index: number) {
    this.#service = service;
    this.#index = index;
    this.#way = way;
    this.#age = (index / plugins) * renewalAge;
  }

  /** Sends the heartbeats that are due in a step: all plugins start with the first one, and then spread over the interval. */
  async onStep(steps: number): Promise<void> {
    const perInterval = heartbeatInterval / step;
    if (steps > 0 && steps % perInterval !== this.#index % perInterval) return;
    const isRenewed = this.#renewToken();
    if (this.#way === 'unary') await this.#service.heartbeat(this.#index, this.#token);
    else if (isRenewed) this.#openSession();
    else this.#session?.send({ case: 'beat', value: {} });
    if (this.#session?.refusal) throw new Error(this.#session.refusal);
  }

  /** Reads the token again. Returns true if the kubelet has renewed it. */
  #renewToken(): boolean {
    const now = Date.now() / second;
    const issuedAt = now - ((this.#service.time.now / second + this.#age) % renewalAge);
    if (issuedAt - this.#issuedAt < heartbeatInterval / second) return false;
    this.#issuedAt = issuedAt;
    this.#token = tokenOf(this.#index, Math.floor(issuedAt), tokenLifetime);
    return true;
  }

  #openSession(): void {
    const former = this.#session;
    this.#session = this.#service.openSession(this.#index, this.#token);
    former?.end();
  }
}

const commands = {
  /** Lets plugins send heartbeats for a time, in virtual time, and counts the reviews of their tokens. */
  async count(options: CountOptions): Promise<CountedReviews> {
    using service = new CountingService();
    const { time, reviewedAt } = service;
    const plugins = Array.from({ length: options.plugins }, (_, index) => new Plugin(service, options, index));
    let steps = 0;
    const failed = Promise.withResolvers<never>();
    const onStep = () => {
      for (const plugin of plugins) plugin.onStep(steps).catch(failed.reject);
      steps++;
    };
    onStep();
    setInterval(onStep, step);
    await Promise.race([failed.promise, time.advance(options.duration * second, () => time.settle())]);
    if (service.refusal) throw new Error(`a plugin was refused: ${service.refusal}`);
    const bySecond = new Map<number, number>();
    for (const at of reviewedAt.filter((one) => one >= second)) {
      const key = Math.floor(at / second);
      bySecond.set(key, (bySecond.get(key) ?? 0) + 1);
    }
    return {
      reviews: reviewedAt.length,
      mostInSecond: Math.max(...bySecond.values()),
      heartbeats: service.heartbeats,
    };
  },
};

export type TokenReviewCommands = typeof commands;

serveCommands(commands);
