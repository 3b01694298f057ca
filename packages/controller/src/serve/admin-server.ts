import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { messageOf } from '../errors.ts';
import { formatAddress } from '../registry/address.ts';
import { AnyHttpServer } from './any-http.ts';
import { listenFailed, parseListenAddress } from './listen-address.ts';

/** What the admin port shows. */
export interface AdminContent {
  /** The read-only Connect services. */
  routes: (router: ConnectRouter) => void;
  /** Why the controller isn't ready; empty when it is. */
  notReady: () => readonly string[];
  /** The metrics as Prometheus reads them. */
  metrics: () => Promise<{ contentType: string; text: string }>;
}

/** What is used of the requests and responses of either HTTP version. */
interface Request {
  method?: string | undefined;
  url?: string | undefined;
}

interface Response {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** The port for people and monitoring: probes, metrics, and the registry and delegations, read-only. */
export class AdminServer {
  readonly #content: AdminContent;
  readonly #server: AnyHttpServer;
  readonly #pages: ReadonlyMap<string, () => Promise<Page>>;
  #address = '';

  constructor(content: AdminContent) {
    this.#content = content;
    this.#pages = new Map<string, () => Promise<Page>>([
      ['/healthz', async () => ok],
      ['/readyz', () => this.#ready()],
      ['/metrics', async () => ({ status: 200, ...(await content.metrics()) })],
    ]);
    const connect = connectNodeAdapter({
      routes: content.routes,
      readMaxBytes: 64 * 1024,
      fallback: (request, response) => this.#serve(request, response),
    });
    this.#server = new AnyHttpServer(connect);
  }

  /** Where it listens, once it does. */
  get address(): string {
    return this.#address;
  }

  /** Starts to listen. Rejects with `PortInUse`. */
  async listen(bindAddress: string): Promise<void> {
    const { host, port } = parseListenAddress(bindAddress, 'the admin address');
    try {
      const bound = await this.#server.listen(host, port);
      this.#address = formatAddress({ host: host || 'localhost', port: bound });
    } catch (cause) {
      throw listenFailed('the admin address', bindAddress, cause);
    }
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #serve({ method, url = '' }: Request, response: Response): void {
    const isRead = method === 'GET' || method === 'HEAD';
    const page = isRead ? this.#pages.get(url.split('?', 1)[0] ?? '') : undefined;
    const content = page ? page() : Promise.resolve(notFound);
    content.then(
      (found) => send(response, found),
      (error: unknown) => send(response, { status: 500, text: `${messageOf(error)}\n` }),
    );
  }

  async #ready(): Promise<Page> {
    const notReady = this.#content.notReady();
    return notReady.length > 0 ? { status: 503, text: `${notReady.join('\n')}\n` } : ok;
  }
}

/** What is answered to a simple GET. */
interface Page {
  status: number;
  text: string;
  contentType?: string;
}

const ok: Page = { status: 200, text: 'ok\n' };

const notFound: Page = {
  status: 404,
  text: 'there is nothing here; try /healthz, /readyz, /metrics or POST /kplug.v1.RegistryService/ListPlugins\n',
};

function send(response: Response, { status, text, contentType = 'text/plain; charset=utf-8' }: Page): void {
  response.statusCode = status;
  response.setHeader('content-type', contentType);
  response.end(text);
}
