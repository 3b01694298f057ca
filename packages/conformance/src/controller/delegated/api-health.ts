import { BinaryReader } from '@bufbuild/protobuf/wire';
import type * as grpc from '@grpc/grpc-js';
import { healthService } from '../../wire.ts';

/** HealthCheckResponse.status */
const serving = Buffer.from([0x08, 1]);
const notServing = Buffer.from([0x08, 2]);

/** Serves `grpc.health.v1.Health`: SERVING for the server, and NOT_SERVING for one API until `serve` is called. */
export class ApiHealth {
  readonly #api: string;
  readonly #streams = new Set<grpc.ServerWritableStream<Buffer, Buffer>>();
  #status = notServing;
  #isRequested = false;

  constructor(server: grpc.Server, api: string) {
    this.#api = api;
    server.addService(healthService, {
      check: ({ request }: grpc.ServerUnaryCall<Buffer, Buffer>, respond: grpc.sendUnaryData<Buffer>) =>
        respond(null, this.#statusOf(request)),
      watch: (stream: grpc.ServerWritableStream<Buffer, Buffer>) => {
        if (this.#isForApi(stream.request)) this.#streams.add(stream);
        stream.on('cancelled', () => this.#streams.delete(stream));
        stream.write(this.#statusOf(stream.request));
      },
    });
  }

  /** Reports whether a client has requested the health of the API. */
  get isRequested(): boolean {
    return this.#isRequested;
  }

  /** Changes the health of the API to SERVING. */
  serve(): void {
    this.#status = serving;
    for (const stream of this.#streams) stream.write(serving);
  }

  #statusOf(request: Buffer): Buffer {
    const isForApi = this.#isForApi(request);
    this.#isRequested ||= isForApi;
    return isForApi ? this.#status : serving;
  }

  #isForApi(request: Buffer): boolean {
    if (request.length === 0) return false;
    const reader = new BinaryReader(request);
    reader.tag();
    return reader.string() === this.#api;
  }
}
