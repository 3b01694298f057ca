import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { parse } from 'yaml';
import { startTimeout } from '../control-plane/connect.ts';
import { definition } from '../control-plane/definition.ts';
import { type ClusterObject, TestCluster } from '../control-plane/test-cluster.ts';
import type { ConditionRead } from '../operator.ts';
import { portOf, serveQuietly, TestService } from './declared-service.ts';
import { KubernetesOperator, type KubernetesOperatorOptions } from './kubernetes-operator.ts';

const crd = new URL('../../../../charts/kplug/files/plugin.crd.yaml', import.meta.url);

/** How long is waited for what takes an operator and an API server a moment. */
export const patience = { timeout: 20_000, interval: 20 };

/** What tests read of a `Plugin`'s status. */
export interface PluginStatus {
  ready?: string;
  instanceCount?: string;
  conditions?: ConditionRead[];
  [field: string]: unknown;
}

/** A real cluster, in whose namespace users declare plugins. Each test has a namespace of its own. */
export class PluginCluster {
  #cluster: TestCluster | undefined;
  #namespace = '';

  /** To be called once at the top of a test file. */
  static use(): PluginCluster {
    const declaring = new PluginCluster();
    beforeAll(async () => {
      const cluster = await TestCluster.connect();
      declaring.#cluster = cluster;
      for (const kind of ['Table', 'PgOption'])
        await cluster.define(definition({ group: 'operator.example.org', kind }));
      await cluster.define(parse(await readFile(crd, 'utf8')) as ClusterObject);
    }, startTimeout);
    afterAll(() => declaring.#cluster?.close());
    beforeEach(async () => {
      declaring.#namespace = await declaring.cluster.namespace();
    });
    return declaring;
  }

  get cluster(): TestCluster {
    if (!this.#cluster) throw new Error('The cluster is there only while tests run.');
    return this.#cluster;
  }

  get namespace(): string {
    return this.#namespace;
  }

  /** Starts an operator that asks plugins often. */
  start(options: KubernetesOperatorOptions = {}): Promise<KubernetesOperator> {
    const quick = { probing: { interval: 200 }, keeping: { settleTime: 10 } };
    return KubernetesOperator.start(this.cluster, this.#namespace, {
      ...options,
      controller: { ...quick, ...options.controller },
    });
  }

  /** A `Plugin` as a user writes it. */
  plugin(name: string, spec: object = {}): ClusterObject {
    const apiVersion = 'plugins.kplug.dev/v1alpha1';
    return { apiVersion, kind: 'Plugin', metadata: { name, namespace: this.#namespace }, spec };
  }

  /** Applies a `Plugin`. */
  async declare(name: string, spec: object): Promise<void> {
    await this.cluster.apply(this.plugin(name, spec));
  }

  /** The status of a `Plugin` now; `undefined` when there is no such one. */
  async status(name: string): Promise<PluginStatus | undefined> {
    const stored = await this.cluster.get(this.plugin(name));
    return stored && ((stored.status ?? {}) as PluginStatus);
  }

  /** Waits until a condition of a `Plugin` is as it should be, and returns the status. */
  expectPlugin(name: string, expected: Partial<ConditionRead>, type = 'Accessible'): Promise<PluginStatus> {
    return vi.waitFor(async () => {
      const status = (await this.status(name)) ?? {};
      expect(status.conditions?.find((condition) => condition.type === type)).toMatchObject(expected);
      return status;
    }, patience);
  }

  /** A Service, which isn't applied yet. */
  service(name: string): TestService {
    return new TestService(this.cluster, this.#namespace, name);
  }

  /** A Service with a plugin behind it. */
  async served(name: string) {
    const running = await serveQuietly({ name: 'PostgreSQL' });
    const service = this.service(name);
    await service.apply();
    const port = portOf(running);
    await service.endpoint(port);
    return { running, service, port };
  }
}
