import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { type DelegationDeclaration, formatKey, parseKey, type ResourceKey } from '@kplug/controller';
import { DelegationService, type Diagnosis, RegistryService } from '@kplug/protocol';
import { type PluginDefinition, terminal } from '@kplug/sdk';
import { keyFor, reference, TestOperator } from '@kplug/testing';
import { KubernetesOperator, uniqueGroup } from '@kplug/testing/cluster';
import {
  type ClusterObject,
  conditionsSchema,
  definition,
  FaultProxy,
  TestCluster,
} from '@kplug/testing/control-plane';
import { expect, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 20_000, interval: 20 };

/** Running operator on which a resource isn't ready for one cause. It stops with the test. */
export interface StartedCause {
  /** URL of the operator's admin port. */
  adminUrl: string;
  /** Resource that isn't ready. */
  key: ResourceKey;
  /** Root cause, as its diagnosis names it in one sentence. */
  expected: RegExp;
  /** What its diagnosis says to do next. */
  advice: RegExp;
  /** A detail of its diagnosis. */
  detail?: RegExp;
  /** What its diagnosis says may be out of date. */
  stale?: RegExp;
}

/** Cause for which a resource isn't ready. */
export interface Cause {
  title: string;
  /** True if it needs an API server. */
  onCluster?: boolean;
  start(): Promise<StartedCause>;
}

type Delegation = Partial<DelegationDeclaration>;
type Expectation = Omit<StartedCause, 'adminUrl' | 'key'>;
type Plugin = Partial<PluginDefinition> & { name: string };

/** Starts an operator on resources in memory, which has an admin port. */
export async function startOperator(delegation: Delegation = {}): Promise<TestOperator> {
  return TestOperator.start({ backOff: { initial: 20, max: 200 }, ...delegation }, { adminAddress: '127.0.0.1:0' });
}

/** Describes the cause that an operator in memory shows at the `Table` users. */
export function shown({ controller }: TestOperator, expectation: Expectation): StartedCause {
  return { adminUrl: `http://${controller.adminAddress}`, key: keyFor('Table', 'users'), ...expectation };
}

/** Causes a `Table` to be not ready with a reason, on an operator with a plugin. */
export async function unready(
  {
    delegation,
    plugin,
    spec,
  }: { delegation?: Delegation; plugin?: Plugin; spec?: Parameters<TestOperator['table']>[1] },
  reason: string,
): Promise<TestOperator> {
  const operator = await startOperator(delegation);
  if (plugin) await operator.plugin(plugin);
  operator.table('users', spec);
  await operator.expectCondition('users', 'Ready', { status: 'False', reason });
  return operator;
}

/** Registers a plugin at an address that no plugin may have. */
export async function registerRefused(operator: TestOperator, times: number): Promise<void> {
  const baseUrl = `http://${operator.controller.heartbeatAddress}`;
  const client = createClient(RegistryService, createGrpcTransport({ baseUrl }));
  const registration = {
    plugin: 'PostgreSQL',
    version: '1.0.0',
    apis: [{ name: 'Table', version: '1.0.0' }],
    address: '169.254.169.254:80',
    instanceId: 'refused-1',
  };
  for (let time = 0; time < times; time++) {
    const { answer } = await client.heartbeat({ registration });
    expect(answer.case).toBe('refusal');
  }
}

/** Plugin whose calls don't end before their deadline. */
export const hanging: Plugin = {
  name: 'PostgreSQL',
  reconcile: async ({ signal }) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return undefined;
  },
};

/** Starts an operator on a namespace of a real API server, with an admin port. @param rules rights of the operator. Default: all. */
export async function startOnCluster(
  cluster: TestCluster,
  { rules, delegation = {} }: { rules?: object[]; delegation?: Delegation },
): Promise<{ operator: KubernetesOperator; adminUrl: string; namespace: string; proxy: FaultProxy }> {
  const namespace = await cluster.namespace();
  const proxy = await FaultProxy.open(cluster.kubeConfig);
  onTestFinished(() => proxy.close());
  const user = `operator-${namespace}`;
  if (rules) await cluster.grant(user, namespace, rules);
  const operator = await KubernetesOperator.start(cluster, namespace, {
    kubeConfig: proxy.kubeConfig(rules && user),
    delegation: { backOff: { initial: 50, max: 200 }, ...delegation },
    controller: { adminAddress: '127.0.0.1:0' },
  });
  return { operator, adminUrl: `http://${operator.controller.adminAddress}`, namespace, proxy };
}

export async function connectCluster(): Promise<TestCluster> {
  const cluster = await TestCluster.connect();
  onTestFinished(() => cluster.close());
  return cluster;
}

export async function defineKind(cluster: TestCluster, defined: ClusterObject): Promise<void> {
  await cluster.define(defined);
  onTestFinished(() => cluster.delete(defined));
}

const read = ['get', 'list', 'watch'];

/** The ten causes that a stranger has to find. */
export const causes: readonly Cause[] = [
  {
    title: 'no plugin is registered',
    start: async () =>
      shown(await unready({}, 'NoPlugin'), {
        expected: /^No plugin of the API Table is registered\.$/,
        advice: /^Start a plugin that implements Table in a version of \^1\.0\.0; "kplug plugins" lists/,
      }),
  },
  {
    title: 'the only plugin was refused',
    start: async () => {
      const operator = await unready({}, 'NoPlugin');
      await registerRefused(operator, 3);
      return shown(operator, {
        expected: /^No plugin of the API Table is registered: PostgreSQL 1\.0\.0 was refused 3 times: address "169/,
        advice: /^Correct what the refusal names, and start PostgreSQL again; "kplug plugins --refused"/,
        detail: /^PostgreSQL 1\.0\.0 was refused 3 times: /,
      });
    },
  },
  {
    title: 'the plugin implements a version of the API that the delegation does not accept',
    start: async () =>
      shown(await unready({ plugin: { name: 'PostgreSQL', api: 'Table@2.0.0' } }, 'NoPlugin'), {
        expected:
          /^No plugin can be chosen .*: PostgreSQL 1\.0\.0: implements API version 2\.0\.0; the delegation accepts \^1\.0\.0\.$/,
        advice:
          /^Run a version of PostgreSQL that implements Table \^1\.0\.0, or widen .* tables to include 2\.0\.0\.$/,
        detail: /^PostgreSQL 1\.0\.0: implements API version 2\.0\.0/,
      }),
  },
  {
    title: 'the plugin lacks a capability',
    start: async () =>
      shown(
        await unready(
          { delegation: { selection: { capabilities: { tls: 'yes' } } }, plugin: { name: 'PostgreSQL' } },
          'NoPlugin',
        ),
        {
          expected: /PostgreSQL 1\.0\.0: lacks capabilities that the delegation requires: tls=yes\.$/,
          advice: /^Run a version of PostgreSQL that declares the capability, or change "selection\.capabilities"/,
        },
      ),
  },
  {
    title: 'an extension is missing',
    start: async () => {
      const plugin = { name: 'PostgreSQL', api: { name: 'Table', version: '1.0.0', extensionKinds: ['Style'] } };
      const spec = { extensions: [reference('Style', 'bold')] };
      return shown(await unready({ plugin, spec }, 'ExtensionNotFound'), {
        expected:
          /^The extension Style default\/bold \(myorg\.org\/v1alpha1\), which Table default\/users references, doesn't exist\.$/,
        advice: /^Create it, or remove the reference from \.spec\.extensions of Table default\/users\.$/,
      });
    },
  },
  {
    title: 'the plugin fails',
    start: async () => {
      const reconcile = () => {
        throw terminal('the disk of db-1 is full', { reason: 'DiskFull' });
      };
      return shown(await unready({ plugin: { name: 'PostgreSQL', reconcile } }, 'DiskFull'), {
        expected: /^PostgreSQL 1\.0\.0 fails: DiskFull: the disk of db-1 is full\.$/,
        advice: /^Solve what the plugin names; .*"kplug reconcile Table\/users -n default".*"kplug logs PostgreSQL"\.$/,
      });
    },
  },
  {
    title: 'the plugin hangs, and gets no calls any more',
    start: async () => {
      const delegation = { deadline: '100ms', breaker: { timeouts: 1, coolDown: '60s' } };
      return shown(await unready({ delegation, plugin: hanging }, 'PluginSuspended'), {
        expected: /^A plugin hangs: PostgreSQL 1\.0\.0 has been suspended since .*timed out; next probe at \d{4}-.*\.$/,
        advice: /^Find out what PostgreSQL waits for: "kplug logs PostgreSQL"; restart it if it is stuck\./,
      });
    },
  },
  {
    title: 'a dependent is not ready',
    start: async () => {
      const set = { apiVersion: 'apps/v1', kind: 'StatefulSet' };
      const reconcile = () => ({ dependents: [{ ...set, metadata: { name: 'users' }, spec: { replicas: 1 } }] });
      const delegation = { dependents: { kinds: [set] } };
      return shown(await unready({ delegation, plugin: { name: 'PostgreSQL', reconcile } }, 'DependentsNotReady'), {
        expected: /^The dependent StatefulSet default\/users isn't ready: 0 of 1 pods created\.$/,
        advice: /^Look at it: "kubectl describe statefulset\.apps users -n default"\.$/,
        detail: /^Table default\/users waits for the dependent StatefulSet default\/users: Progressing: /,
      });
    },
  },
  {
    title: 'the operator lacks a right',
    onCluster: true,
    start: async () => {
      const cluster = await connectCluster();
      const group = uniqueGroup();
      const base = { apiVersion: `${group}/v1`, kind: 'Ledger' };
      await defineKind(cluster, definition({ group, kind: 'Ledger' }));
      const rules = [
        { apiGroups: [group], resources: ['ledgers'], verbs: [...read, 'patch'] },
        { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
      ];
      const { operator, adminUrl, namespace } = await startOnCluster(cluster, { rules, delegation: { base } });
      await operator.plugin({ name: 'PostgreSQL' });
      await cluster.apply({ ...base, metadata: { name: 'users', namespace }, spec: {} });
      return {
        adminUrl,
        key: formatKey({ ...base, namespace, name: 'users' }),
        expected: new RegExp(`^The operator may not patch ledgers/status\\.${group} in the namespace ${namespace}\\.$`),
        advice: new RegExp(
          `^Add to a Role in ${namespace} of the operator's service account the rule \\{ .*"ledgers/status".*"patch".* \\}`,
        ),
        stale: /^The last status could not be written/,
      };
    },
  },
  {
    title: 'the CustomResourceDefinition refuses the status',
    onCluster: true,
    start: async () => {
      const cluster = await connectCluster();
      const group = uniqueGroup();
      const base = { apiVersion: `${group}/v1`, kind: 'Strict' };
      const status = {
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
        properties: { conditions: conditionsSchema, phase: { type: 'string', enum: ['Ready', 'Waiting'] } },
      };
      await defineKind(cluster, definition({ group, kind: 'Strict', status }));
      const { operator, adminUrl, namespace } = await startOnCluster(cluster, { delegation: { base } });
      await operator.plugin({ name: 'PostgreSQL', reconcile: () => ({ status: { phase: 'Strange' } }) });
      await cluster.apply({ ...base, metadata: { name: 'users', namespace }, spec: {} });
      return {
        adminUrl,
        key: formatKey({ ...base, namespace, name: 'users' }),
        expected:
          /^The CustomResourceDefinition of Strict refuses the status of Strict \S+\/users: status\.phase .*Strange/,
        advice:
          /^Let the plugin return a value that the schema allows, or change the schema in the CustomResourceDefinition of Strict\.$/,
      };
    },
  },
];

/** Returns a client of an operator. */
export function clientOf({ adminUrl }: Pick<StartedCause, 'adminUrl'>) {
  return createClient(DelegationService, createConnectTransport({ baseUrl: adminUrl, httpVersion: '1.1' }));
}

/** Waits until the diagnosis of a resource is as expected. */
export async function expectDiagnosis(started: StartedCause): Promise<Diagnosis> {
  const client = clientOf(started);
  return vi.waitFor(async () => {
    const { diagnosis } = await client.traceResource(parseKey(started.key));
    expect(diagnosis?.summary).toMatch(started.expected);
    expect(diagnosis?.advice).toMatch(started.advice);
    if (started.detail) expect(diagnosis?.details).toContainEqual(expect.stringMatching(started.detail));
    if (started.stale) expect(diagnosis?.stale).toContainEqual(expect.stringMatching(started.stale));
    return diagnosis as Diagnosis;
  }, waiting);
}
