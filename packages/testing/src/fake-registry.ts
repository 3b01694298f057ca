import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { addService, type RefusalReason, type Registration, RegistryService } from '@kplug/protocol';
import { onTestFinished } from 'vitest';
import type { TestCertificate } from './certificates.ts';

/** Message of a plugin, with the credentials of its call. */
export interface ReceivedMessage {
  rpc: 'Session' | 'Heartbeat' | 'Deregister';
  registration?: Registration;
  token: string | undefined;
  secret: string | undefined;
  /** Common name of the client's certificate. */
  client: string | undefined;
}

/** Refusal to answer a registration with. */
export interface TestRefusal {
  reason: RefusalReason;
  message: string;
}

/** Options of a `FakeRegistry`. */
export interface FakeRegistryOptions {
  /** Certificate of the heartbeat service; missing for plain text. */
  tls?: TestCertificate;
  /** CA to verify client certificates with, in PEM. None are requested without it. */
  clientCa?: string;
  /** Returns why a registration is refused. Default: none is. */
  refuse?: (message: ReceivedMessage) => TestRefusal | undefined;
  /** Serves `Session`. Default true. */
  sessions?: boolean;
  /** Address to listen on. Default `127.0.0.1:0`. */
  bindAddress?: string;
  /** Interval between heartbeats, in milliseconds. Default 50. */
  interval?: number;
}

type Call = Pick<grpc.ServerUnaryCall<unknown, unknown>, 'metadata' | 'getAuthContext'>;

/** Heartbeat service that records what plugins send, and accepts it. It does nothing with the plugins. */
export class FakeRegistry {
  readonly messages: ReceivedMessage[] = [];
  /** Number of open sessions after each change, for example 1, 2, 1 for a session that another one replaced. */
  readonly sessionCounts: number[] = [];
  #open = 0;
  #beats = 0;
  #port = 0;

  /** Starts the service. It stops when the test ends. */
  static async start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    const server = registry.#server(options);
    onTestFinished(() => server.forceShutdown());
    registry.#port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(options.bindAddress ?? '127.0.0.1:0', credentialsOf(options), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    return registry;
  }

  /** Address for `KPLUG_CONTROLLER`. @param host name of this machine. */
  address(host = '127.0.0.1'): string {
    return `${host}:${this.#port}`;
  }

  /** Messages with a registration, oldest first. */
  get registrations(): ReceivedMessage[] {
    return this.messages.filter(({ registration }) => registration);
  }

  /** Number of heartbeats in sessions. */
  get beats(): number {
    return this.#beats;
  }

  #server(options: FakeRegistryOptions): grpc.Server {
    const { refuse, sessions = true, interval = 50 } = options;
    const server = new grpc.Server();
    const answerTo = (message: ReceivedMessage) => {
      this.messages.push(message);
      const refusal = refuse?.(message);
      const lease = { interval: durationFromMs(interval), ttl: durationFromMs(10 * interval), drain: false };
      return refusal
        ? { answer: { case: 'refusal' as const, value: refusal } }
        : { answer: { case: 'lease' as const, value: lease } };
    };
    addService(server, RegistryService, {
      ...(sessions && {
        session: (stream) => {
          this.#count(1);
          stream.on('data', ({ message }) => {
            if (message.case !== 'registration') return void this.#beats++;
            const answer = answerTo({ ...credentialsIn(stream), rpc: 'Session', registration: message.value });
            stream.write(answer);
            if (answer.answer.case === 'refusal') stream.end();
          });
          stream.on('end', () => stream.end());
          stream.on('close', () => this.#count(-1));
        },
      }),
      heartbeat: ({ registration }, call) =>
        answerTo({ ...credentialsIn(call), rpc: 'Heartbeat', ...(registration && { registration }) }),
      deregister: (_, call) => {
        this.messages.push({ ...credentialsIn(call), rpc: 'Deregister' });
        return {};
      },
    });
    return server;
  }

  #count(change: 1 | -1): void {
    this.#open += change;
    this.sessionCounts.push(this.#open);
  }
}

function credentialsOf({ tls, clientCa }: FakeRegistryOptions): grpc.ServerCredentials {
  if (!tls) return grpc.ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) };
  return grpc.ServerCredentials.createSsl(clientCa ? Buffer.from(clientCa) : null, [pair], Boolean(clientCa));
}

function credentialsIn(call: Call): Pick<ReceivedMessage, 'token' | 'secret' | 'client'> {
  const text = (name: string) => call.metadata.get(name)[0]?.toString();
  const { sslPeerCertificate } = call.getAuthContext();
  const name = sslPeerCertificate?.subject?.CN;
  return {
    token: text('authorization')?.replace(/^Bearer /, ''),
    secret: text('kplug-secret'),
    client: Array.isArray(name) ? name[0] : name,
  };
}
