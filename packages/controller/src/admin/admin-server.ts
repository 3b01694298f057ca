import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { formatAddress } from '../registry/address.ts';
import { listenFailed, parseListenAddress } from '../settings/listen-address.ts';
import { AnyHttpServer } from './any-http.ts';

/** Content of an admin, metrics or probe port. A missing part is not served. */
export interface AdminContent {
  /** Read-only Connect services. */
  routes?: (router: ConnectRouter) => void;
  /** Returns the reasons why the controller isn't ready; none when it is. Enables the probes. */
  notReady?: () => readonly string[];
  /** Returns the metrics in Prometheus' format. */
  metrics?: () => Promise<{ contentType: string; text: string }>;
}

/** Common part of the requests of both HTTP versions. */
interface Request {
  method?: string | undefined;
  url?: string | undefined;
}

interface Response {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** Server of one port for users and monitoring: probes, metrics, read-only services, or some of them. */
export class AdminServer {
  readonly #server: AnyHttpServer;
  readonly #pages: ReadonlyMap<string, () => Promise<Page>>;
  readonly #advice: string;
  #address = '';

  constructor({ routes, notReady, metrics }: AdminContent) {
    this.#pages = new Map<string, () => Promise<Page>>([
      ...(notReady ? probes(notReady) : []),
      ...(metrics ? [['/metrics', async () => ({ status: 200, ...(await metrics()) })] as const] : []),
    ]);
    const all = [...this.#pages.keys(), ...(routes ? ['POST /kplug.v1.RegistryService/ListPlugins'] : [])];
    this.#advice = `not found; try ${all.join(', ').replace(/, ([^,]*)$/, ' or $1')}\n`;
    const fallback = (request: Request, response: Response) => this.#serve(request, response);
    const connect = routes && connectNodeAdapter({ routes, readMaxBytes: limits.admin.maxMessageSize, fallback });
    this.#server = new AnyHttpServer(connect ?? fallback);
  }

  /** Address of the server, once it listens. */
  get address(): string {
    return this.#address;
  }

  /** Starts to listen. `option` names the address in errors. Rejects with `PortInUse`. */
  async listen(bindAddress: string, option: string): Promise<void> {
    const { host, port } = parseListenAddress(bindAddress, option);
    try {
      const bound = await this.#server.listen(host, port);
      this.#address = formatAddress({ host: host || 'localhost', port: bound });
    } catch (cause) {
      throw listenFailed(option, bindAddress, cause);
    }
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #serve({ method, url = '' }: Request, response: Response): void {
    const isRead = method === 'GET' || method === 'HEAD';
    const page = isRead ? this.#pages.get(url.split('?', 1)[0] ?? '') : undefined;
    const content = page ? page() : Promise.resolve({ status: 404, text: this.#advice });
    content.then(
      (found) => send(response, found),
      (error: unknown) => send(response, { status: 500, text: `${messageOf(error)}\n` }),
    );
  }
}

function probes(notReady: () => readonly string[]): [string, () => Promise<Page>][] {
  const ready = async () => {
    const reasons = notReady();
    return reasons.length > 0 ? { status: 503, text: `${reasons.join('\n')}\n` } : ok;
  };
  return [
    ['/healthz', async () => ok],
    ['/readyz', ready],
  ];
}

/** Response to a GET request. */
interface Page {
  status: number;
  text: string;
  contentType?: string;
}

const ok: Page = { status: 200, text: 'ok\n' };

function send(response: Response, { status, text, contentType = 'text/plain; charset=utf-8' }: Page): void {
  response.statusCode = status;
  response.setHeader('content-type', contentType);
  response.end(text);
}
