import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { startTimeout } from '../control-plane/connect.ts';
import { definition, ownDefinition } from '../control-plane/definition.ts';
import { type ClusterObject, TestCluster } from '../control-plane/test-cluster.ts';
import type { ConditionRead } from '../operator.ts';
import { portOf, serveQuietly, TestService } from './declared-service.ts';
import { KubernetesOperator, type KubernetesOperatorOptions } from './kubernetes-operator.ts';

/** Options of waits for the operator and the API server. */
export const waitOptions = { timeout: 20_000, interval: 20 };

/** Status of a `Plugin`. */
export interface PluginStatus {
  ready?: string;
  instanceCount?: string;
  conditions?: ConditionRead[];
  [field: string]: unknown;
}

/** A real cluster in which users declare plugins. Each test has its own namespace. */
export class PluginCluster {
  #cluster: TestCluster | undefined;
  #namespace = '';

  /** Registers the hooks of a test file. Has to be called once, at its top. */
  static use(): PluginCluster {
    const declaring = new PluginCluster();
    beforeAll(async () => {
      const cluster = await TestCluster.connect();
      declaring.#cluster = cluster;
      for (const kind of ['Table', 'PgOption'])
        await cluster.define(definition({ group: 'operator.example.org', kind }));
      await cluster.define(await ownDefinition('plugin'));
    }, startTimeout);
    afterAll(() => declaring.#cluster?.close());
    beforeEach(async () => {
      declaring.#namespace = await declaring.cluster.namespace();
    });
    return declaring;
  }

  get cluster(): TestCluster {
    if (!this.#cluster) throw new Error('The cluster exists only while tests run.');
    return this.#cluster;
  }

  get namespace(): string {
    return this.#namespace;
  }

  /** Starts an operator that probes plugins frequently. */
  start(options: KubernetesOperatorOptions = {}): Promise<KubernetesOperator> {
    const quick = { probing: { interval: 200 }, pluginResources: { settleTime: 10 } };
    return KubernetesOperator.start(this.cluster, this.#namespace, {
      ...options,
      controller: { ...quick, ...options.controller },
    });
  }

  /** Returns a `Plugin` as users write it. It is called in plain text unless it says otherwise. */
  plugin(name: string, spec: object = {}): ClusterObject {
    const apiVersion = 'plugins.kplug.dev/v1alpha1';
    const isPlain = ('service' in spec || 'address' in spec) && !('tls' in spec || 'insecure' in spec);
    const whole = isPlain ? { ...spec, insecure: true } : spec;
    return { apiVersion, kind: 'Plugin', metadata: { name, namespace: this.#namespace }, spec: whole };
  }

  /** Applies a `Plugin`. */
  async declare(name: string, spec: object): Promise<void> {
    await this.cluster.apply(this.plugin(name, spec));
  }

  /** Returns the status of a `Plugin`; `undefined` when it does not exist. */
  async status(name: string): Promise<PluginStatus | undefined> {
    const stored = await this.cluster.get(this.plugin(name));
    return stored && ((stored.status ?? {}) as PluginStatus);
  }

  /** Waits for a condition of a `Plugin` and returns its status. */
  expectPlugin(name: string, expected: Partial<ConditionRead>, type = 'Accessible'): Promise<PluginStatus> {
    return vi.waitFor(async () => {
      const status = (await this.status(name)) ?? {};
      expect(status.conditions?.find((condition) => condition.type === type)).toMatchObject(expected);
      return status;
    }, waitOptions);
  }

  /** Returns a Service that is not applied yet. */
  service(name: string): TestService {
    return new TestService(this.cluster, this.#namespace, name);
  }

  /** Applies a Service with a plugin behind it. */
  async served(name: string) {
    const running = await serveQuietly({ name: 'PostgreSQL' });
    const service = this.service(name);
    await service.apply();
    const port = portOf(running);
    await service.endpoint(port);
    return { running, service, port };
  }
}
