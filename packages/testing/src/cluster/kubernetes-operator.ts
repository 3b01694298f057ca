import { randomBytes } from 'node:crypto';
import {
  Controller,
  type ControllerOptions,
  type DelegationDeclaration,
  type RequestObservation,
} from '@kplug/controller';
import { openKubernetes } from '@kplug/controller/kubernetes';
import { definePlugin, type PluginDefinition, type RunningPlugin } from '@kplug/sdk';
import type { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import type { ClusterObject, StoredObject, TestCluster } from '../control-plane/test-cluster.ts';
import type { ConditionRead } from '../operator.ts';

const apiVersion = 'operator.example.org/v1';
const waitOptions = { timeout: 20_000, interval: 20 };

/** Options of an operator on a cluster. */
export interface KubernetesOperatorOptions {
  delegation?: Partial<DelegationDeclaration>;
  controller?: Partial<ControllerOptions>;
  /** Namespaces that the operator follows, besides its own. */
  namespaces?: readonly string[];
  /** Namespaces of declared plugins, besides that of the operator. */
  pluginNamespaces?: readonly string[];
  /** Credentials of the operator. Default: those of the cluster's admin. */
  kubeConfig?: KubeConfig;
}

/** An operator for the kind `Table` in one namespace of a real cluster. It stops when the test ends. */
export class KubernetesOperator {
  readonly controller: Controller;
  readonly #cluster: TestCluster;
  readonly #namespace: string;
  readonly #requests: RequestObservation[];

  private constructor(
    controller: Controller,
    { cluster, namespace, requests }: { cluster: TestCluster; namespace: string; requests: RequestObservation[] },
  ) {
    this.controller = controller;
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#requests = requests;
  }

  static async start(
    cluster: TestCluster,
    namespace: string,
    {
      delegation,
      controller: options,
      namespaces = [],
      pluginNamespaces = [],
      kubeConfig = cluster.kubeConfig,
    }: KubernetesOperatorOptions = {},
  ): Promise<KubernetesOperator> {
    const requests: RequestObservation[] = [];
    const logger = options?.logger ?? pino({ level: process.env.KPLUG_TEST_LOG ?? 'silent' });
    const resources = await openKubernetes({
      kubeConfig,
      namespaces: [namespace, ...namespaces],
      namespace,
      pluginNamespaces,
      logger,
      observe: (request) => void requests.push(request),
    });
    const controller = new Controller({
      resources,
      delegations: [
        {
          name: 'tables',
          base: { apiVersion, kind: 'Table' },
          api: 'Table@^1.0.0',
          backOff: { initial: 20, max: 200 },
          minRequeueInterval: 10,
          ...delegation,
        },
      ],
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: false,
      lease: { interval: 500, ttl: 2_500 },
      logger,
      ...options,
    });
    await controller.start();
    onTestFinished(() => controller.stop());
    return new KubernetesOperator(controller, { cluster, namespace, requests });
  }

  /** Serves a plugin of the API `Table` in this process. It stops when the test ends. */
  async plugin(given: Partial<PluginDefinition> & Pick<PluginDefinition, 'name'>): Promise<RunningPlugin> {
    const defaults = { version: '1.0.0', api: 'Table@1.0.0', reconcile: () => ({ status: { by: given.name } }) };
    const controller = this.controller.heartbeatAddress;
    const running = await definePlugin({ ...defaults, ...given }).serve({
      controller,
      logLevel: 'silent',
      handleSignals: false,
    });
    onTestFinished(() => running.stop());
    await vi.waitFor(() => expect(running.registered).toBe(true), waitOptions);
    return running;
  }

  /** An object as users write it. */
  object(kind: string, name: string, spec: object = {}): ClusterObject {
    return { apiVersion, kind, metadata: { name, namespace: this.#namespace }, spec };
  }

  /** Returns a reference to an extension. */
  reference(kind: string, name: string) {
    return { apiVersion, kind, name };
  }

  /** An object as the API server stores it. */
  stored(kind: string, name: string): Promise<StoredObject | undefined> {
    return this.#cluster.get(this.object(kind, name));
  }

  /** Waits for a condition of a `Table` and returns the `Table`. */
  expectCondition(name: string, type: string, expected: Partial<ConditionRead>): Promise<StoredObject> {
    return vi.waitFor(async () => {
      const stored = await this.stored('Table', name);
      const conditions = (stored?.status?.conditions ?? []) as ConditionRead[];
      expect(conditions.find((condition) => condition.type === type)).toMatchObject(expected);
      return stored as StoredObject;
    }, waitOptions);
  }

  /** Waits until a plugin has made a `Table` ready. */
  async expectReady(name: string, implementation: string): Promise<StoredObject> {
    return vi.waitFor(async () => {
      const stored = await this.expectCondition(name, 'Ready', { status: 'True' });
      expect(stored.status).toMatchObject({ implementation });
      return stored;
    }, waitOptions);
  }

  /**
   * Returns the requests for the kinds of the tests since the last call, as `verb resource`, without lists and watches. Waits for
   * passes in progress, as the effect of a request is visible before its response arrives.
   */
  async takeRequests(): Promise<string[]> {
    await this.controller.whenIdle();
    return this.#requests
      .splice(0)
      .filter(({ verb, resource }) => verb !== 'list' && verb !== 'watch' && /^(tables|pgoptions)\b/.test(resource))
      .map(({ verb, resource }) => `${verb} ${resource}`)
      .sort();
  }
}

/** Returns a unique API group, for a kind that is defined and removed. */
export function uniqueGroup(): string {
  return `${randomBytes(4).toString('hex')}.operator.example.org`;
}
