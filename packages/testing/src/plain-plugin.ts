import * as grpc from '@grpc/grpc-js';
import { addService, PluginService } from '@kplug/protocol';
import { onTestFinished } from 'vitest';

/** Options of a `PlainPlugin`. */
export interface PlainPluginOptions {
  /** Serves `Watch` in addition to `Check`. Default true. */
  watch?: boolean;
  /** Response to `GetInfo`: valid (default), malformed, or unimplemented. */
  info?: 'valid' | 'malformed' | 'none';
}

type Stream = grpc.ServerWritableStream<unknown, string>;

const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING'];

const method = {
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  // A message with an enum in field 1.
  responseSerialize: (status: string) => Buffer.from([8, statuses.indexOf(status)]),
  responseDeserialize: (bytes: Buffer) => String(bytes),
};

const check = { ...method, path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false };
const watch = { ...method, path: '/grpc.health.v1.Health/Watch', requestStream: false, responseStream: true };

/** Plugin without the SDK, whose health a test sets. It neither sends heartbeats nor reconciles. */
export class PlainPlugin {
  readonly port: number;
  readonly #streams: Set<Stream>;
  readonly #health: { status: string };

  private constructor(port: number, streams: Set<Stream>, health: { status: string }) {
    this.port = port;
    this.#streams = streams;
    this.#health = health;
  }

  /** Listens on all interfaces. It stops when the test ends. */
  static async serve(options: PlainPluginOptions = {}): Promise<PlainPlugin> {
    const { watch: isWatched = true, info = 'valid' } = options;
    const server = new grpc.Server();
    const streams = new Set<Stream>();
    const health = { status: 'SERVING' };
    const version = info === 'malformed' ? 'one' : '1.0.0';
    const getInfo = () => ({ plugin: 'Plain', version, apis: [{ name: 'Table', version: '1.0.0' }] });
    addService(server, PluginService, info === 'none' ? {} : { getInfo });
    server.addService(isWatched ? { check, watch } : { check }, {
      check: (_: unknown, answer: (error: null, status: string) => void) => answer(null, health.status),
      watch: (stream: Stream) => {
        streams.add(stream);
        stream.on('cancelled', () => streams.delete(stream));
        stream.write(health.status);
      },
    });
    onTestFinished(() => server.forceShutdown());
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('0.0.0.0:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return new PlainPlugin(port, streams, health);
  }

  /** Sets the health and notifies watchers. */
  setHealth(status: 'SERVING' | 'NOT_SERVING'): void {
    this.#health.status = status;
    for (const stream of this.#streams) stream.write(status);
  }
}
