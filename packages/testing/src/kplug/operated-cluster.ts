import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definePlugin, type RunningPlugin } from '@kplug/sdk';
import type { KubeConfig } from '@kubernetes/client-node';
import { expect, vi } from 'vitest';
import { definition, ownDefinition } from '../control-plane/definition.ts';
import { OwnControlPlane } from '../control-plane/own-control-plane.ts';
import { type ClusterObject, TestCluster } from '../control-plane/test-cluster.ts';
import { type RunningProcess, startKplug } from './kplug-process.ts';

const group = 'doctor.example.org';
const release = { 'app.kubernetes.io/name': 'kplug', 'app.kubernetes.io/instance': 'kplug' };
const chart = { ...release, 'app.kubernetes.io/part-of': 'kplug', 'app.kubernetes.io/component': 'operator' };

const waitOptions = { timeout: 30_000, interval: 50 };

/** Namespace of the operator. */
export const home = 'kplug-system';

const everything = (groupName: string, ...resources: string[]) => ({
  apiGroups: [groupName],
  resources,
  verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
});

const role = 'rbac.authorization.k8s.io/v1';
const account = { kind: 'ServiceAccount', name: 'kplug', namespace: home };

/** Objects of an operator, as the chart and the cluster's controllers create them. */
export const objects = {
  role: {
    apiVersion: role,
    kind: 'ClusterRole',
    metadata: { name: 'kplug' },
    rules: [
      everything('', 'pods', 'services', 'secrets', 'configmaps'),
      everything('discovery.k8s.io', 'endpointslices'),
      everything('coordination.k8s.io', 'leases'),
      everything('events.k8s.io', 'events'),
      everything('authentication.k8s.io', 'tokenreviews'),
      everything('authorization.k8s.io', 'subjectaccessreviews'),
      everything('plugins.kplug.dev', 'plugins', 'plugins/status'),
      everything('delegations.kplug.dev', 'delegations', 'delegations/status'),
      everything('catalogue.kplug.dev', 'providedcapabilities'),
      everything(group, '*'),
    ],
  },
  binding: {
    apiVersion: role,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'kplug' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'kplug' },
    subjects: [account],
  },
  pod: operatorPod(home, [
    ...['--enable-leader-election', '--leader-election-lease-name=kplug'],
    ...['--grpc-bind-address=:50050', '--tls-name=kplug', '--tls-ca-namespace=default'],
  ]),
  service: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kplug', namespace: home, labels: chart },
    spec: {
      selector: { ...release, 'kplug.dev/role': 'leader' },
      ports: [{ name: 'heartbeat', port: 50050, targetPort: 'heartbeat' }],
    },
  },
  slice: sliceOf('kplug', true),
  greeting: {
    apiVersion: `${group}/v1`,
    kind: 'Greeting',
    metadata: { name: 'world', namespace: home },
    spec: { to: 'World' },
  },
} satisfies Record<string, ClusterObject>;

/** Returns a pod of an operator with flags. */
export function operatorPod(namespace: string, args: readonly string[]) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'kplug-0', namespace, labels: chart },
    spec: { serviceAccountName: 'kplug', containers: [{ name: 'operator', image: 'kplug', args }] },
  };
}

/** Returns the EndpointSlice of a Service, as the cluster's controllers write it. */
export function sliceOf(service: string, isReady: boolean) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-1`, namespace: home, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'heartbeat', port: 50050, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: isReady } }],
  };
}

/** Returns the definition of a kind for tests. */
export function greetingKind(kind: string, status?: object): ClusterObject {
  return definition({ group, kind, ...(status && { status }) });
}

/** Returns a `Delegation` of a kind to the running plugin. */
export function delegationOf(kind: string, more: object = {}): ClusterObject {
  const spec = { base: { apiVersion: `${group}/v1`, kind }, api: 'Greeting@^1.0.0', ...more };
  return {
    apiVersion: 'delegations.kplug.dev/v1alpha1',
    kind: 'Delegation',
    metadata: { name: kind.toLowerCase() },
    spec,
  };
}

/** A cluster with an operator that runs as its pod would, a delegation and a plugin. */
export class OperatedCluster implements AsyncDisposable {
  readonly plane: OwnControlPlane;
  readonly cluster: TestCluster;
  readonly operator: RunningProcess;
  readonly #folder: string;
  readonly #plugin: RunningPlugin;
  readonly admin: string;

  private constructor(
    plane: OwnControlPlane,
    cluster: TestCluster,
    folder: string,
    started: { operator: RunningProcess; plugin: RunningPlugin; admin: string },
  ) {
    this.plane = plane;
    this.cluster = cluster;
    this.#folder = folder;
    this.operator = started.operator;
    this.#plugin = started.plugin;
    this.admin = started.admin;
  }

  static async start(): Promise<OperatedCluster> {
    const plane = await OwnControlPlane.start();
    const cluster = await TestCluster.connect(plane.kubeConfig);
    const folder = await mkdtemp(join(tmpdir(), 'kplug-doctor-'));
    await writeFile(join(folder, 'kubeconfig'), plane.kubeConfig.exportConfig());
    for (const file of ['plugin', 'delegation', 'provided-capability']) await cluster.define(await ownDefinition(file));
    for (const kind of ['Greeting', 'Style']) await cluster.define(greetingKind(kind));
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: home } });
    for (const object of Object.values(objects)) await cluster.apply(object);
    const kinds = [{ apiVersion: `${group}/v1`, kind: 'Style' }];
    await cluster.apply(delegationOf('Greeting', { extensions: { kinds } }));
    const operator = startOperator(folder);
    const address = (field: string) => {
      return vi.waitFor(() => logged(operator, field) ?? expect.fail(operator.stderr), waitOptions);
    };
    const [admin, controller] = [await address('admin'), await address('heartbeats')];
    const greeting = { name: 'Plain', version: '1.0.0', api: 'Greeting@1.0.0', reconcile: () => ({}) };
    const plugin = await definePlugin(greeting).serve({ controller, handleSignals: false, logLevel: 'silent' });
    await vi.waitFor(async () => {
      const { status } = (await cluster.get(objects.greeting)) ?? {};
      expect(status).toMatchObject({ implementation: 'Plain' });
    }, waitOptions);
    return new OperatedCluster(plane, cluster, folder, { operator, plugin, admin });
  }

  /** Returns the flags that select this operator and cluster. @param kubeConfig another access to the cluster. */
  async flags(kubeConfig?: KubeConfig): Promise<string[]> {
    const file = join(this.#folder, kubeConfig ? 'other-kubeconfig' : 'kubeconfig');
    if (kubeConfig) await writeFile(file, kubeConfig.exportConfig());
    return ['--admin', this.admin, '--kubeconfig', file, '--operator-namespace', home];
  }

  /** Applies objects while a function runs. */
  async having(given: readonly ClusterObject[], run: () => Promise<void>): Promise<void> {
    for (const object of given) await this.cluster.apply(object);
    try {
      await run();
    } finally {
      for (const object of given) await this.cluster.delete(object);
    }
  }

  /** Replaces an object while a function runs. */
  async changing(object: ClusterObject, changed: ClusterObject, run: () => Promise<void>): Promise<void> {
    await this.cluster.delete(object);
    try {
      await this.having([changed], run);
    } finally {
      await this.cluster.apply(object);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#plugin.stop();
    await this.operator[Symbol.asyncDispose]();
    await this.cluster.close();
    await this.plane.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function startOperator(folder: string): RunningProcess {
  const args = [
    ...['--kubeconfig', join(folder, 'kubeconfig'), '--log-format', 'json'],
    ...['--enable-leader-election', '--leader-election-namespace', home],
    ...['--leader-election-lease-duration', '4s', '--leader-election-renew-deadline', '3s'],
    ...['--leader-election-retry-period', '500ms', '--plugins-dir', join(folder, 'plugins')],
    ...['--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '127.0.0.1:0'],
    ...['--metrics-addr', '0', '--health-probe-bind-address', '0'],
  ];
  return startKplug(['operator', ...args], { cwd: folder, env: { POD_NAME: 'kplug-0', POD_NAMESPACE: home } });
}

function logged(operator: RunningProcess, field: string): string | undefined {
  const lines = operator.stderr.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
  return lines.map((line) => JSON.parse(line)[field]).find((value) => typeof value === 'string');
}
