import { createSecureServer, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { serveCommands, usage } from './commands.ts';
import type { HeardCommands } from './heartbeat-server.ts';

/** Response of the size of a framed response to a heartbeat: a lease of 5 s and 15 s. */
const answer = Buffer.alloc(15);
const headers = { ':status': 200, 'content-type': 'application/grpc' };

/** Trailers of a gRPC response. */
const trailers = process.env.BENCH_TRAILERS ? { 'grpc-status': 0, 'grpc-message': 'OK' } : undefined;

let received = 0;

function onStream(stream: ServerHttp2Stream): void {
  stream.on('data', () => undefined);
  stream.on('end', () => {
    received++;
    if (!trailers) {
      stream.respond(headers);
      stream.end(answer);
      return;
    }
    stream.respond(headers, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(answer);
  });
}

/** Server with `node:http2` alone: it reads a body and responds with one. */
const commands: HeardCommands = {
  async listen({ tls }) {
    const server = tls ? createSecureServer({ ...tls, minVersion: 'TLSv1.3' }) : createServer();
    server.on('stream', onStream);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },

  received: () => ({ ...usage(), received, refused: 0, instances: 0 }),
};

serveCommands(commands);
