import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ControllerOptions } from '@kplug/controller';
import { createToken } from '@kplug/controller/tools';
import { definePlugin } from '@kplug/sdk';
import { KubernetesOperator } from '@kplug/testing/cluster';
import { definition, ownDefinition, TestCluster, TestKubelet } from '@kplug/testing/control-plane';
import { type RunningProcess, startKplug } from '@kplug/testing/kplug';
import { expect, onTestFinished, vi } from 'vitest';

export const waitOptions = { timeout: 30_000, interval: 50 };

/** Program of the plugin of a user. */
export const userPlugin = fileURLToPath(new URL('../packages/testing/src/plugins/labelled.ts', import.meta.url));

/** Table as the tests read it. */
export interface Table {
  status?: {
    by?: string;
    plugin?: { name: string; version: string };
    conditions?: { type: string; status: string; reason: string; message: string }[];
  };
}

/** Connects to the cluster of the tests, with the kinds that they need. */
export async function attachableCluster(): Promise<TestCluster> {
  const cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
  await cluster.define(await ownDefinition('attachment'));
  return cluster;
}

/** Operator in a pod of a real API server, with its real plugin, to which users attach theirs. All of it ends with the test. */
export class AttachableOperator {
  readonly cluster: TestCluster;
  readonly namespace: string;
  readonly folder: string;
  readonly #kubelet: TestKubelet;
  #operator: KubernetesOperator | undefined;

  private constructor(cluster: TestCluster, namespace: string, folder: string, kubelet: TestKubelet) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.folder = folder;
    this.#kubelet = kubelet;
  }

  static async start(cluster: TestCluster, options: Partial<ControllerOptions> = {}): Promise<AttachableOperator> {
    const namespace = await cluster.namespace();
    const folder = await mkdtemp(join(tmpdir(), 'kplug-attach-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'kubeconfig'), cluster.kubeConfig.exportConfig());
    const ports = new Map<number, number>();
    const kubelet = await TestKubelet.start(cluster, (port) => ports.get(port));
    onTestFinished(() => kubelet[Symbol.asyncDispose]());
    const labels = { 'app.kubernetes.io/part-of': 'kplug', 'app.kubernetes.io/component': 'operator' };
    const annotations = { 'kplug.dev/attachments': 'enabled', 'kplug.dev/ca': 'kplug-ca' };
    await kubelet.addPod(namespace, 'kplug-0', labels, { annotations });
    const started = new AttachableOperator(cluster, namespace, folder, kubelet);
    await started.startOperator(ports, options);
    return started;
  }

  get operator(): KubernetesOperator {
    return this.#operator ?? expect.fail('the operator was not started');
  }

  /** Ports that were forwarded, as `namespace/pod:port`. */
  get forwarded(): readonly string[] {
    return this.#kubelet.forwarded;
  }

  /** Serves the plugin of the cluster in this process. */
  async serve(name = 'PostgreSQL', label = 'cluster'): Promise<void> {
    const token = await createToken(join(this.folder, 'tokens.yaml'), { name: name.toLowerCase(), plugins: [name] });
    const { ca } = await this.readCa();
    const caFile = join(this.folder, 'ca.crt');
    await writeFile(caFile, ca);
    const running = await definePlugin({
      name,
      version: '1.0.0',
      api: 'Table@1.0.0',
      reconcile: () => ({ status: { by: label } }),
    }).serve({
      controller: `localhost:${this.operator.controller.heartbeatAddress.split(':').at(-1)}`,
      token,
      tlsCa: caFile,
      logLevel: 'silent',
      handleSignals: false,
    });
    onTestFinished(() => running.stop());
    await vi.waitFor(() => expect(running.registered).toBe(true), waitOptions);
  }

  async readCa(): Promise<{ ca: string }> {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kplug-ca', namespace: this.namespace } };
    const stored = (await this.cluster.get(map)) as unknown as { data: Record<string, string> };
    return { ca: stored.data['ca.crt'] ?? '' };
  }

  /** Applies a table. */
  async table(name: string, labels: Record<string, string> = {}, namespace = this.namespace): Promise<void> {
    const object = this.operator.object('Table', name, {});
    await this.cluster.apply({ ...object, metadata: { ...object.metadata, namespace, labels } });
  }

  async read(name: string): Promise<Table> {
    return (await this.operator.stored('Table', name)) as unknown as Table;
  }

  /** Waits until a table was reconciled by a process, and returns it. */
  expectBy(name: string, by: string): Promise<Table> {
    return vi.waitFor(async () => {
      const table = await this.read(name);
      expect(table.status?.by, name).toBe(by);
      expect(table.status?.conditions?.find(({ type }) => type === 'Ready')?.status, name).toBe('True');
      return table;
    }, waitOptions);
  }

  /** Lists the attachments of the namespace. */
  async attachments(): Promise<
    { metadata: { name: string }; spec: { user: string }; status?: Record<string, unknown> }[]
  > {
    const path = `/apis/attachments.kplug.dev/v1alpha1/namespaces/${this.namespace}/attachments`;
    const { items } = await this.cluster.request<{ items: never[] }>('GET', path);
    return items;
  }

  /** Starts `kplug attach`. It is killed when the test ends. */
  attach(args: readonly string[], { label = 'laptop', kubeconfig = 'kubeconfig', env = {} } = {}): RunningProcess {
    const place = ['--kubeconfig', join(this.folder, kubeconfig), '--operator-namespace', this.namespace];
    const running = startKplug(['attach', '--delegation', 'tables', '-n', this.namespace, ...place, ...args], {
      env: { TEST_PLUGIN_LABEL: label, KPLUG_LOG_LEVEL: 'warn', ...env },
    });
    onTestFinished(() => running[Symbol.asyncDispose]());
    return running;
  }

  private async startOperator(ports: Map<number, number>, options: Partial<ControllerOptions>): Promise<void> {
    const tokenFile = join(this.folder, 'tokens.yaml');
    await createToken(tokenFile, { name: 'first', plugins: ['None'] });
    this.#operator = await KubernetesOperator.start(this.cluster, this.namespace, {
      controller: {
        heartbeatAddress: '0.0.0.0:0',
        followAttachments: true,
        security: { tokenFile },
        lease: { interval: 1_000, ttl: 3_000 },
        ...options,
      },
    });
    ports.set(50_050, Number(this.operator.controller.heartbeatAddress.split(':').at(-1)));
  }
}
