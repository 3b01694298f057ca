import type { DelegationDeclaration } from '@kplug/controller';
import type { Dependent, PluginDefinition } from '@kplug/sdk';
import { KubernetesOperator } from '@kplug/testing/cluster';
import { definition, FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

const group = 'operator.example.org';
const rbac = 'rbac.authorization.k8s.io/v1';
const waiting = { timeout: 20_000, interval: 20 };
const configMaps = { apiVersion: 'v1', kind: 'ConfigMap' };
const secrets = { apiVersion: 'v1', kind: 'Secret' };

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  for (const kind of ['Table', 'PgOption']) await cluster.define(definition({ group, kind }));
}, startTimeout);

afterAll(() => cluster?.close());

/** Rights of an operator that may apply roles and bindings, and otherwise reads ConfigMaps. */
const limitedRules = [
  { apiGroups: [group], resources: ['tables'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: [group], resources: ['tables/status'], verbs: ['patch'] },
  { apiGroups: [group], resources: ['tables/finalizers'], verbs: ['update'] },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
];

interface Attack {
  dependents: DelegationDeclaration['dependents'] & {};
  reconcile: NonNullable<PluginDefinition['reconcile']>;
  delegation?: Partial<DelegationDeclaration>;
  /** Rights of the operator. Default: all. */
  rules?: object[];
}

/** Starts an operator with limited rights, a lying plugin, and an honest one. */
async function attack({ dependents, reconcile, delegation, rules }: Attack) {
  const namespace = await cluster.namespace();
  const proxy = await FaultProxy.open(cluster.kubeConfig);
  onTestFinished(() => proxy.close());
  const user = `operator-${namespace}`;
  if (rules) await cluster.grant(user, namespace, rules);
  const operator = await KubernetesOperator.start(cluster, namespace, {
    kubeConfig: proxy.kubeConfig(rules && user),
    delegation: { ...delegation, dependents },
  });
  await operator.plugin({ name: 'Liar', reconcile });
  await operator.plugin({ name: 'Honest', reconcile: () => ({ status: { by: 'Honest' } }) });
  const object = (apiVersion: string, kind: string, name: string) => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
  });
  const expectRefused = async (reason: string, message: string) => {
    await cluster.apply(operator.object('Table', 'victim', { preferredImplementation: 'Liar' }));
    const content = { status: 'False', reason, message: expect.stringContaining(message) };
    await operator.expectCondition('victim', 'Ready', content);
    await cluster.apply(operator.object('Table', 'honest', { preferredImplementation: 'Honest' }));
    await operator.expectReady('honest', 'Honest');
  };
  return { operator, namespace, proxy, object, expectRefused };
}

const answer = (...items: object[]) => ({ dependents: items as Dependent[] });
const named = (apiVersion: string, kind: string, more: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name: 'a' },
  ...more,
});

describe('the operator never grants rights that it does not have', () => {
  const kinds = ['Role', 'RoleBinding'].map((kind) => ({ apiVersion: rbac, kind, allowPrivileged: true }));
  const role = (verbs: string[]) =>
    named(rbac, 'Role', { rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }] });

  // Without the API server's check, which an operator with `escalate` passes, a plugin would grant itself anything.
  it('by a Role', async () => {
    const { object, expectRefused } = await attack({
      dependents: { kinds },
      rules: limitedRules,
      reconcile: () => answer(role(['get', 'delete'])),
    });
    await expectRefused('DependentFailed', 'attempting to grant RBAC permissions not currently held');
    expect(await cluster.get(object(rbac, 'Role', 'a'))).toBeUndefined();
  });

  // Without it, which an operator with `bind` passes, the same by a reference to a role of others.
  it('by a RoleBinding', async () => {
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' };
    const binding = named(rbac, 'RoleBinding', { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'default' }] });
    const { object, expectRefused } = await attack({
      dependents: { kinds },
      rules: limitedRules,
      reconcile: () => answer(binding),
    });
    await expectRefused('DependentFailed', 'attempting to grant RBAC permissions not currently held');
    expect(await cluster.get(object(rbac, 'RoleBinding', 'a'))).toBeUndefined();
  });

  it('but rights that it has, where the delegation allows the kind', async () => {
    const { operator, object } = await attack({
      dependents: { kinds },
      rules: limitedRules,
      reconcile: () => answer(role(['get'])),
    });
    await cluster.apply(operator.object('Table', 'victim', { preferredImplementation: 'Liar' }));
    await operator.expectReady('victim', 'Liar');
    expect(await cluster.get(object(rbac, 'Role', 'a'))).toMatchObject({ rules: [{ verbs: ['get'] }] });
  });

  // Without the check, a plugin would get the token of any ServiceAccount of the namespace, of which RBAC has no say.
  it('by a Secret with the token of a ServiceAccount', async () => {
    const annotations = { 'kubernetes.io/service-account.name': 'admin' };
    const token = { ...secrets, metadata: { name: 'a', annotations }, type: 'kubernetes.io/service-account-token' };
    const { object, expectRefused } = await attack({
      dependents: { kinds: [{ ...secrets, allowPrivileged: true }] },
      reconcile: () => answer(token),
    });
    await expectRefused('DependentForbidden', 'list admin in dependents.serviceAccounts');
    expect(await cluster.get(object('v1', 'Secret', 'a'))).toBeUndefined();
  });

  // Without the check, a plugin would grant rights in all namespaces, by a kind that was meant for one.
  it('by a cluster-scoped dependent of a namespaced resource', async () => {
    const name = `lie-${Date.now()}`;
    const lie = { apiVersion: rbac, kind: 'ClusterRole', metadata: { name }, rules: [] };
    onTestFinished(() => cluster.delete(lie));
    const { expectRefused } = await attack({
      dependents: { kinds: [{ apiVersion: rbac, kind: 'ClusterRole', allowPrivileged: true }] },
      reconcile: () => answer(lie),
    });
    await expectRefused('InvalidResponse', 'which is cluster-scoped');
    expect(await cluster.get(lie)).toBeUndefined();
  });
});

describe('pods of plugins', () => {
  const kinds = [{ apiVersion: 'apps/v1', kind: 'Deployment' }];
  const deployment = (spec: object) => {
    const template = {
      metadata: { labels: { app: 'a' } },
      spec: { containers: [{ name: 'main', image: 'a:1' }], ...spec },
    };
    return named('apps/v1', 'Deployment', { spec: { selector: { matchLabels: { app: 'a' } }, template } });
  };

  // Without the check, a plugin would run code with the rights of any ServiceAccount of the namespace.
  it('do not run with a ServiceAccount that the delegation does not name', async () => {
    const { object, expectRefused } = await attack({
      dependents: { kinds },
      reconcile: () => answer(deployment({ serviceAccountName: 'admin' })),
    });
    await expectRefused('DependentForbidden', 'list admin in dependents.serviceAccounts');
    expect(await cluster.get(object('apps/v1', 'Deployment', 'a'))).toBeUndefined();
  });

  // Without it, the pods would hold the token of `default`, with the rights that anyone bound to it.
  it('get no token of the default ServiceAccount', async () => {
    const { operator, object } = await attack({ dependents: { kinds }, reconcile: () => answer(deployment({})) });
    await cluster.apply(operator.object('Table', 'victim', { preferredImplementation: 'Liar' }));
    await operator.expectCondition('victim', 'Reconciled', { status: 'True' });
    const stored = await cluster.get(object('apps/v1', 'Deployment', 'a'));
    expect(stored).toMatchObject({ spec: { template: { spec: { automountServiceAccountToken: false } } } });
  });
});

describe('objects of others are neither taken over nor sent to plugins', () => {
  // Without the version in the write, the operator would add its owner reference to an object that its watch did not report yet.
  it('although they were created a moment ago', async () => {
    const { proxy, object, expectRefused } = await attack({
      dependents: { kinds: [configMaps] },
      reconcile: () => answer({ ...configMaps, metadata: { name: 'theirs' }, data: { taken: 'yes' } }),
    });
    // Restarts the watches, whose events are held back from now on.
    proxy.decide(({ url: { pathname, searchParams } }) => {
      const isWatch = pathname.endsWith('/configmaps') && searchParams.has('watch');
      return isWatch ? { onChunk: () => undefined } : undefined;
    });
    proxy.cut();
    const seen = proxy.requests.length;
    const isWatching = ({ url }: { url: URL }) => url.pathname.endsWith('/configmaps') && url.searchParams.has('watch');
    await vi.waitFor(() => expect(proxy.requests.slice(seen).some(isWatching)).toBe(true), waiting);
    await cluster.apply({ ...object('v1', 'ConfigMap', 'theirs'), data: { owner: 'a user' } });
    await expectRefused('DependentFailed', 'already exists and is not owned by Table');
    const stored = await cluster.get(object('v1', 'ConfigMap', 'theirs'));
    expect(stored).toMatchObject({ data: { owner: 'a user' } });
    expect(stored?.data).not.toHaveProperty('taken');
    expect(stored?.metadata).not.toHaveProperty('ownerReferences');
  });

  // Without the check of the owner, a user without rights on Secrets would read them: the status of a kind without one is an annotation.
  it('or deleted, although a user writes them into the status of a resource', async () => {
    const seen: string[][] = [];
    const { namespace, object } = await attack({
      dependents: { kinds: [{ ...secrets, allowPrivileged: true }] },
      delegation: { base: configMaps, selection: { preferencePath: '.data.preferredImplementation' } },
      reconcile: ({ base, dependents }) => {
        if (base.metadata.name === 'users') seen.push(dependents.all().map(({ metadata }) => metadata.name));
        return { dependents: [], requeueAfter: 20 };
      },
    });
    await cluster.apply({ ...object('v1', 'Secret', 'theirs'), stringData: { password: 'secret' } });
    const forged = { dependents: [{ ...secrets, name: 'theirs', plugin: 'Liar' }] };
    const annotations = { 'status.kplug.dev/tables': JSON.stringify(forged) };
    const data = { preferredImplementation: 'Liar' };
    await cluster.apply({ ...configMaps, metadata: { name: 'users', namespace, annotations }, data });
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(5), waiting);
    expect(seen.flat()).toEqual([]);
    expect(await cluster.get(object('v1', 'Secret', 'theirs'))).toBeDefined();
  });

  // Without the check, whoever may create a resource would have the operator read a Secret, if it may read any, for the plugin to return.
  it('although a resource names a Secret as an extension', async () => {
    const seen: string[] = [];
    const { operator, object } = await attack({
      dependents: { kinds: [{ ...secrets, allowPrivileged: true }] },
      reconcile: ({ extensions }) => {
        seen.push(...extensions.all('Secret').map(({ kind }) => kind));
        return {};
      },
    });
    await cluster.apply({ ...object('v1', 'Secret', 'theirs'), stringData: { password: 'secret' } });
    const extensions = [{ ...secrets, name: 'theirs' }];
    await cluster.apply(operator.object('Table', 'victim', { preferredImplementation: 'Liar', extensions }));
    const message = expect.stringContaining('is of a kind that grants rights; list the kind in extensions.kinds');
    await operator.expectCondition('victim', 'ExtensionsResolved', {
      status: 'False',
      reason: 'ExtensionForbidden',
      message,
    });
    await operator.expectReady('victim', 'Liar');
    expect(seen).toEqual([]);
  });

  // Without the check, whoever may create a resource in one namespace would read the extensions of all that the operator follows.
  it('although a resource names an extension in another namespace', async () => {
    const seen: string[] = [];
    const { operator } = await attack({
      dependents: {},
      reconcile: ({ extensions }) => {
        seen.push(...extensions.all('PgOption').map(({ kind }) => kind));
        return {};
      },
    });
    const elsewhere = await cluster.namespace();
    const option = operator.object('PgOption', 'theirs', { password: 'secret' });
    await cluster.apply({ ...option, metadata: { name: 'theirs', namespace: elsewhere } });
    const extensions = [{ ...operator.reference('PgOption', 'theirs'), namespace: elsewhere }];
    await cluster.apply(operator.object('Table', 'victim', { preferredImplementation: 'Liar', extensions }));
    const message = expect.stringContaining('is in another namespace');
    await operator.expectCondition('victim', 'ExtensionsResolved', {
      status: 'False',
      reason: 'ExtensionForbidden',
      message,
    });
    await operator.expectReady('victim', 'Liar');
    expect(seen).toEqual([]);
  });
});
