import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@kplug/testing/free-port';
import { vi } from 'vitest';
import { stringify } from 'yaml';
import { findPrometheus } from '../tools/prometheus/find-prometheus.ts';

/** A value of a series, as Prometheus answers. */
export interface Sample {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

/** A reference to a trace. */
export interface Exemplar {
  labels: Record<string, string>;
  value: string;
}

/** A Prometheus server that scrapes an operator every second. It is killed when its scope ends. */
export class PrometheusServer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #url: string;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.#folder = folder;
    this.#url = url;
  }

  /** Starts a server and waits until it answers. @param target address of an admin port. */
  static async start(target: string): Promise<PrometheusServer> {
    const { prometheus } = await findPrometheus((message) => console.error(message));
    const folder = await mkdtemp(join(tmpdir(), 'kplug-prometheus-'));
    const config = join(folder, 'prometheus.yml');
    const labels = { namespace: 'obs' };
    const job = { job_name: 'kplug-admin', static_configs: [{ targets: [target], labels }] };
    await writeFile(
      config,
      stringify({ global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: [job] }),
    );
    const address = `127.0.0.1:${await freePort()}`;
    const args = [
      '--enable-feature=exemplar-storage',

      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ];
    const child = spawn(prometheus, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const server = new PrometheusServer(child, folder, `http://${address}`);
    let log = '';
    child.stderr?.on('data', (chunk) => {
      log += chunk;
    });
    await vi
      .waitFor(() => server.query('up'), { timeout: 30_000, interval: 50 })
      .catch(async (cause: unknown) => {
        await server[Symbol.asyncDispose]();
        throw new Error(`Prometheus does not answer: ${log}`, { cause });
      });
    return server;
  }

  /** Returns the present values of an expression. Rejects with the error of Prometheus. */
  async query(expr: string): Promise<Sample[]> {
    const response = await fetch(`${this.#url}/api/v1/query?${new URLSearchParams({ query: expr })}`);
    const { data, error } = (await response.json()) as { data?: { result: Sample[] }; error?: string };
    if (!data) throw new Error(`${expr}: ${error}`);
    return data.result;
  }

  /** Returns the exemplars of an expression of the last minute. */
  async exemplars(expr: string): Promise<Exemplar[]> {
    const now = Date.now() / 1_000;
    const range = { query: expr, start: `${now - 60}`, end: `${now + 60}` };
    const response = await fetch(`${this.#url}/api/v1/query_exemplars?${new URLSearchParams(range)}`);
    const { data, error } = (await response.json()) as { data?: { exemplars: Exemplar[] }[]; error?: string };
    if (!data) throw new Error(`${expr}: ${error}`);
    return data.flatMap(({ exemplars }) => exemplars);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
