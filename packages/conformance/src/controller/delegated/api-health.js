import { BinaryReader } from '@bufbuild/protobuf/wire';
import { healthService } from '../../wire.js';

/** HealthCheckResponse.status */
const serving = Buffer.from([0x08, 1]);
const notServing = Buffer.from([0x08, 2]);
/** Serves `grpc.health.v1.Health`: well as a whole, and one API not served until it is said to be. */
export class ApiHealth {
  #api;
  #streams = new Set();
  #status = notServing;
  #isAsked = false;
  constructor(server, api) {
    this.#api = api;
    server.addService(healthService, {
      check: ({ request }, respond) => respond(null, this.#statusOf(request)),
      watch: (stream) => {
        if (this.#isMeant(stream.request)) this.#streams.add(stream);
        stream.on('cancelled', () => this.#streams.delete(stream));
        stream.write(this.#statusOf(stream.request));
      },
    });
  }
  /** Whether somebody has asked about the API. */
  get isAsked() {
    return this.#isAsked;
  }
  /** The API is served from now on. */
  serve() {
    this.#status = serving;
    for (const stream of this.#streams) stream.write(serving);
  }
  #statusOf(request) {
    const isMeant = this.#isMeant(request);
    this.#isAsked ||= isMeant;
    return isMeant ? this.#status : serving;
  }
  #isMeant(request) {
    if (request.length === 0) return false;
    const reader = new BinaryReader(request);
    reader.tag();
    return reader.string() === this.#api;
  }
}
//# sourceMappingURL=api-health.js.map
