import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '@kplug/protocol';
import { CommandError } from '../command-error.ts';
import { checkBrowserRequest } from './check-browser-request.ts';
import { type AskedRequest, forwardRequest } from './forward-request.ts';
import type { Upstream } from './upstream.ts';

/** Maximum number of connections of browsers. */
const maxConnections = 128;

/** Port of the loopback interface at which a browser of this machine sees the page of an operator elsewhere. */
export class PageServer implements AsyncDisposable {
  readonly #server: http.Server;
  readonly #upstream: Upstream;
  readonly #secret = randomBytes(16).toString('base64url');

  /** @param authorization returns the header for requests to act; `undefined` to send none. */
  constructor(upstream: Upstream, authorization?: () => Promise<string | undefined>) {
    this.#upstream = upstream;
    this.#server = http.createServer((request, response) => void this.#serve({ request, response, authorization }));
    this.#server.maxConnections = maxConnections;
  }

  /** Starts to listen. Rejects with a `CommandError`. @param ports ports to try in turn. */
  async listen(ports: readonly number[]): Promise<void> {
    for (const [index, port] of ports.entries()) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#server.once('error', reject);
      this.#server.listen({ host: '127.0.0.1', port }, resolve);
      try {
        await promise;
        return;
      } catch (error) {
        const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (isTaken && index < ports.length - 1) continue;
        const advice = isTaken ? `the port ${port} is in use; choose another with --port` : messageOf(error);
        throw new CommandError('failed', `the page can't be served on 127.0.0.1:${port}: ${advice}`, { cause: error });
      } finally {
        this.#server.off('error', reject);
      }
    }
  }

  /** URL of the page. It holds a secret, so that only those with the URL reach the operator. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/${this.#secret}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #serve(asked: Omit<AskedRequest, 'path'>): Promise<void> {
    const { request, response } = asked;
    const checked = checkBrowserRequest(request, { port: this.#port, secret: this.#secret });
    if (!('path' in checked)) {
      response.writeHead(checked.status, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(`${checked.message}\n`);
      return;
    }
    await forwardRequest(this.#upstream, { ...asked, path: checked.path });
  }
}
