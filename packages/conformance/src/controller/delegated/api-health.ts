import { BinaryReader } from '@bufbuild/protobuf/wire';
import type * as grpc from '@grpc/grpc-js';
import { healthService } from '../../wire.ts';

/** HealthCheckResponse.status */
const serving = Buffer.from([0x08, 1]);
const notServing = Buffer.from([0x08, 2]);

/** Serves `grpc.health.v1.Health`: well as a whole, and one API not served until it is said to be. */
export class ApiHealth {
  readonly #api: string;
  readonly #streams = new Set<grpc.ServerWritableStream<Buffer, Buffer>>();
  #status = notServing;
  #isAsked = false;

  constructor(server: grpc.Server, api: string) {
    this.#api = api;
    server.addService(healthService, {
      check: ({ request }: grpc.ServerUnaryCall<Buffer, Buffer>, respond: grpc.sendUnaryData<Buffer>) =>
        respond(null, this.#statusOf(request)),
      watch: (stream: grpc.ServerWritableStream<Buffer, Buffer>) => {
        if (this.#isMeant(stream.request)) this.#streams.add(stream);
        stream.on('cancelled', () => this.#streams.delete(stream));
        stream.write(this.#statusOf(stream.request));
      },
    });
  }

  /** Whether somebody has asked about the API. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** The API is served from now on. */
  serve(): void {
    this.#status = serving;
    for (const stream of this.#streams) stream.write(serving);
  }

  #statusOf(request: Buffer): Buffer {
    const isMeant = this.#isMeant(request);
    this.#isAsked ||= isMeant;
    return isMeant ? this.#status : serving;
  }

  #isMeant(request: Buffer): boolean {
    if (request.length === 0) return false;
    const reader = new BinaryReader(request);
    reader.tag();
    return reader.string() === this.#api;
  }
}
