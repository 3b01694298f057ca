import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';

/** Connection of a response to its client. */
export interface Passage {
  /** Forwards bytes. */
  pass(bytes: Buffer): void;
  /** Closes the connection. */
  cut(): void;
}

/** Fault of a request: no response, a response without the API server, or a handler for each chunk of the response. */
export type Fault =
  | 'silence'
  | { status: number; headers?: Record<string, string>; body: object | string }
  | { onChunk: (chunk: Buffer, passage: Passage) => void };

/** A forwarded request. */
export interface PassedRequest {
  method: string;
  url: URL;
}

/** Proxy of a real API server that simulates faults of networks and servers. */
export class FaultProxy {
  /** All requests so far. */
  readonly requests: PassedRequest[] = [];
  readonly #target: RequestOptions;
  readonly #server = createServer((incoming, response) => this.#serve(incoming, response));
  readonly #passages = new Set<{ frozen: boolean; cut: () => void }>();
  #decide: (request: PassedRequest) => Fault | undefined = () => undefined;

  private constructor(target: RequestOptions) {
    this.#target = target;
  }

  /** Opens a proxy of the cluster of a kubeconfig. */
  static async open(kubeConfig: KubeConfig): Promise<FaultProxy> {
    const { hostname, port } = new URL(kubeConfig.getCurrentCluster()?.server ?? '');
    const target: RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(target);
    const proxy = new FaultProxy({ ...target, hostname, port });
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** Returns a kubeconfig of the proxy, with the rights of the original one or of another user. */
  kubeConfig(impersonateUser?: string): KubeConfig {
    const kubeConfig = new KubeConfig();
    const { port } = this.#server.address() as AddressInfo;
    kubeConfig.loadFromClusterAndUser(
      { name: 'proxy', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: 'user', ...(impersonateUser && { impersonateUser }) },
    );
    return kubeConfig;
  }

  /** Sets the function that decides the fault of each request. */
  decide(decide: (request: PassedRequest) => Fault | undefined): void {
    this.#decide = decide;
  }

  /** Makes open connections half-open: they stay open but forward nothing. */
  freeze(): void {
    for (const passage of this.#passages) passage.frozen = true;
  }

  /** Closes open connections. */
  cut(): void {
    for (const { cut } of this.#passages) cut();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    const passed = { method: incoming.method ?? '', url: new URL(incoming.url ?? '', 'http://api') };
    this.requests.push(passed);
    const fault = this.#decide(passed);
    if (fault === 'silence') return;
    if (fault && 'status' in fault) {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body));
      incoming.resume();
      return;
    }
    this.#forward(incoming, response, fault?.onChunk ?? ((chunk, { pass }) => pass(chunk)));
  }

  #forward(incoming: IncomingMessage, response: ServerResponse, onChunk: (chunk: Buffer, to: Passage) => void): void {
    const headers = { ...incoming.headers };
    delete headers.host;
    const passage = { frozen: false, cut: () => void response.socket?.destroy() };
    this.#passages.add(passage);
    const to: Passage = { pass: (bytes) => void (passage.frozen || response.write(bytes)), cut: passage.cut };
    const { headers: given, ...target } = this.#target;
    const upstream = request({
      ...target,
      method: incoming.method,
      path: incoming.url,
      headers: { ...headers, ...(given as Record<string, string>) },
    });
    upstream.on('response', (answer) => {
      const { 'content-length': _, ...rest } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, rest);
      response.flushHeaders();
      answer.on('data', (chunk: Buffer) => onChunk(chunk, to));
      answer.on('end', () => void (passage.frozen || response.end()));
      answer.on('error', passage.cut);
    });
    upstream.on('error', passage.cut);
    response.on('close', () => {
      this.#passages.delete(passage);
      upstream.destroy();
    });
    incoming.pipe(upstream);
  }
}
