import * as grpc from '@grpc/grpc-js';
import { addService, PluginService } from '@kplug/protocol';
import { onTestFinished } from 'vitest';

/** What a plain plugin serves. */
export interface PlainPluginOptions {
  /** Whether its health can be watched, or only asked for. Default true. */
  watch?: boolean;
  /** What it answers to `GetInfo`: something sound by default, or something malformed, or that it serves no such thing. */
  info?: 'sound' | 'malformed' | 'none';
}

type Stream = grpc.ServerWritableStream<unknown, string>;

const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING'];

const method = {
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  // A message of one enum, in its field 1.
  responseSerialize: (status: string) => Buffer.from([8, statuses.indexOf(status)]),
  responseDeserialize: (bytes: Buffer) => String(bytes),
};

const check = { ...method, path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false };
const watch = { ...method, path: '/grpc.health.v1.Health/Watch', requestStream: false, responseStream: true };

/** A plugin made with nothing of the SDK, which says of its health what a test wants. It neither beats nor reconciles. */
export class PlainPlugin {
  readonly port: number;
  readonly #streams: Set<Stream>;
  readonly #health: { status: string };

  private constructor(port: number, streams: Set<Stream>, health: { status: string }) {
    this.port = port;
    this.#streams = streams;
    this.#health = health;
  }

  /** Listens on every interface. It stops with the test. */
  static async serve(options: PlainPluginOptions = {}): Promise<PlainPlugin> {
    const { watch: isWatched = true, info = 'sound' } = options;
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

  /** Says from now on that it is serving, or that it isn't. */
  setHealth(status: 'SERVING' | 'NOT_SERVING'): void {
    this.#health.status = status;
    for (const stream of this.#streams) stream.write(status);
  }
}
