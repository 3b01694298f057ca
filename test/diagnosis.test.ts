import { formatKey, type JsonObject } from '@kplug/controller';
import { ResourceState } from '@kplug/protocol';
import { retry } from '@kplug/sdk';
import { reference, startPluginProcess, TestOperator } from '@kplug/testing';
import { uniqueGroup } from '@kplug/testing/cluster';
import { definition } from '@kplug/testing/control-plane';
import { describe, expect, it, vi } from 'vitest';
import { startLeaderAndStandby } from './standby.fixture.ts';
import {
  clientOf,
  connectCluster,
  defineKind,
  expectDiagnosis,
  hanging,
  registerRefused,
  shown,
  startOnCluster,
  startOperator,
  unready,
} from './ten-causes.fixture.ts';

const apiVersion = 'myorg.org/v1alpha1';
const waiting = { timeout: 20_000, interval: 20 };

describe('without a plugin', () => {
  it('names the capability that the resource asks for, and what is provided', async () => {
    const provides = [{ category: 'database', type: 'postgresql', versions: ['16'] }];
    const plugin = { name: 'PostgreSQL', api: { name: 'Table', version: '1.0.0', provides } };
    const spec = { category: 'database', type: 'postgresql', version: '18' };
    const operator = await unready({ delegation: { capability: {} }, plugin, spec }, 'CapabilityUnavailable');
    await expectDiagnosis(
      shown(operator, {
        expected: /^No plugin provides what Table default\/users asks for: postgresql 18 isn't provided; .*16/,
        advice: /^Ask for a capability that is provided \("kplug capabilities" lists them\), or start a plugin/,
      }),
    );
  });

  it('names the preferred plugin, and its refusal', async () => {
    const delegation = { selection: { fallback: 'none' as const } };
    const spec = { preferredImplementation: 'PostgreSQL' };
    const operator = await unready({ delegation, plugin: { name: 'MariaDB' }, spec }, 'PreferredUnavailable');
    await registerRefused(operator, 1);
    const diagnosis = await expectDiagnosis(
      shown(operator, {
        expected: /^The preferred plugin is unavailable: waiting for PostgreSQL: no such plugin is registered/,
        advice: /^Start PostgreSQL, let Table default\/users prefer another plugin, or allow a fallback/,
        detail: /^PostgreSQL 1\.0\.0 was refused once: /,
      }),
    );
    expect(diagnosis.details).toContainEqual(
      expect.stringMatching(/^MariaDB 1\.0\.0: isn't|^MariaDB 1\.0\.0: the dele/),
    );
  });

  it('names a plugin whose instances are all stopping', async () => {
    const operator = await startOperator();
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    const plugin = await operator.plugin({ name: 'PostgreSQL', reconcile: () => released });
    operator.table('busy');
    const { registry } = operator.controller;
    const stateOf = () => registry.get(plugin.instanceId)?.state;
    await vi.waitFor(() => expect(stateOf()).toBe('live'), waiting);
    const stopped = plugin.stop();
    await vi.waitFor(() => expect(stateOf()).toBe('draining'), waiting);
    operator.table('users');
    await expectDiagnosis(
      shown(operator, {
        expected: /: PostgreSQL 1\.0\.0: all its instances are stopping\.$/,
        advice: /^Start another instance of PostgreSQL, as all of its instances are stopping\.$/,
      }),
    );
    release(undefined);
    await stopped;
  });

  it('says when a plugin that is suspect was heard of last', async () => {
    const operator = await TestOperator.start(
      {},
      { adminAddress: '127.0.0.1:0', lease: { interval: 5_000, ttl: 60_000 } },
    );
    operator.table('users');
    const { process: child } = await startPluginProcess(operator, { name: 'PostgreSQL' });
    await operator.expectReady('users', 'PostgreSQL');
    child.kill('SIGKILL');
    await expectDiagnosis(
      shown(operator, {
        expected: /: PostgreSQL 1\.0\.0: none of its instances can be reached/,
        advice: /^Find out why PostgreSQL can't be reached at its address: /,
        stale: /^PostgreSQL 1\.0\.0 is suspect, and was last heard of at \d{4}-\d\d-\d\dT[\d:]+Z: /,
      }),
    );
  });
});

describe('with a plugin', () => {
  it('says how far an operation in progress is', async () => {
    const reconcile = () => ({
      progress: { percentage: 40, message: 'copied 2 of 5 tables', token: 'job', after: 60_000 },
    });
    const operator = await unready({ plugin: { name: 'Copier', reconcile } }, 'InProgress');
    const { state } = await expectDiagnosis(
      shown(operator, {
        expected: /^Table default\/users is being worked on: Copier 1\.0\.0 is 40 % done: copied 2 of 5 tables\.$/,
        advice: /^Wait; "kplug trace Table\/users -n default -w" shows the progress\.$/,
      }),
    );
    expect(state).toBe(ResourceState.WAITING);
  });

  it('says that an answer is not what the protocol allows', async () => {
    const plugin = { name: 'Large', reconcile: () => ({ status: { text: 'x'.repeat(2_000) } }) };
    const operator = await unready({ delegation: { maxStatusSize: 1_024 }, plugin }, 'InvalidResponse');
    await expectDiagnosis(
      shown(operator, {
        expected: /^A plugin answered with what the protocol doesn't allow: .*at most 1,024 are allowed/,
        advice: /^Mend Large; "kplug conformance" tests it\.$/,
      }),
    );
  });

  it('says that a call took too long', async () => {
    const delegation = { deadline: '50ms', breaker: { timeouts: 0 } };
    await expectDiagnosis(
      shown(await unready({ delegation, plugin: hanging }, 'DeadlineExceeded'), {
        expected: /^A plugin did not answer in time: /,
        advice: /"kplug logs PostgreSQL"; raise the delegation's "deadline" if it needs longer\.$/,
      }),
    );
  });

  it('mentions a reference that is ignored, also of a resource that is ready', async () => {
    const operator = await startOperator({ extensions: { kinds: [{ apiVersion, kind: 'Style' }] } });
    await operator.plugin({ name: 'PostgreSQL' });
    operator.table('users', { extensions: [reference('Colour', 'red')] });
    await operator.expectReady('users');
    const { state } = await expectDiagnosis(
      shown(operator, {
        expected: /^Table default\/users is ready: PostgreSQL 1\.0\.0 reconciled generation 1, without an extension: /,
        advice: /^$/,
      }),
    );
    expect(state).toBe(ResourceState.READY);
  });

  it('finds the cause in a dependent that is delegated itself', async () => {
    const view = { apiVersion, kind: 'View' };
    const delegations = [
      { name: 'tables', base: { apiVersion, kind: 'Table' }, api: 'Table@^1.0.0', dependents: { kinds: [view] } },
      { name: 'views', base: view, api: 'View@^1.0.0' },
    ];
    const operator = await TestOperator.start(false, { adminAddress: '127.0.0.1:0', delegations } as JsonObject &
      object);
    const reconcile = () => ({ dependents: [{ ...view, metadata: { name: 'report' }, spec: {} }] });
    await operator.plugin({ name: 'PostgreSQL', reconcile });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', { reason: 'DependentsNotReady' });
    const diagnosis = await expectDiagnosis(
      shown(operator, {
        expected: /^No plugin of the API View is registered\.$/,
        advice: /^Start a plugin that implements View in a version of \^1\.0\.0; /,
        detail: /^Table default\/users waits for the dependent View default\/report: NoPlugin: /,
      }),
    );
    expect(diagnosis).toMatchObject({ causeName: 'View default/report', reason: 'NoPlugin' });
  });
});

describe('a resource that is', () => {
  it('paused is said to be, with how to resume it', async () => {
    const operator = await startOperator();
    const annotations = { 'kplug.dev/paused': 'true' };
    operator.resources.apply({ apiVersion, kind: 'Table', metadata: { name: 'users', annotations }, spec: {} });
    await operator.expectCondition('users', 'Paused', { status: 'True' });
    const { state } = await expectDiagnosis(
      shown(operator, {
        expected: /^Table default\/users is paused by its annotation kplug\.dev\/paused\.$/,
        advice: /^Resume it: "kplug resume Table\/users -n default"\.$/,
      }),
    );
    expect(state).toBe(ResourceState.PAUSED);
  });

  it('being deleted while its plugin is gone names the plugin', async () => {
    const operator = await startOperator();
    operator.table('users');
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    await plugin.stop();
    operator.delete('users');
    const { state, since } = await expectDiagnosis(
      shown(operator, {
        expected:
          /^Table default\/users can't be deleted: PostgreSQL 1\.0\.0, which must finalize the resource, is unavailable/,
        advice:
          /^Start the plugin again\. If it is gone for good, set "finalize\.whenPluginGone" .* delegation tables; /,
      }),
    );
    expect(state).toBe(ResourceState.DELETING);
    expect(since).toBeDefined();
  });

  it('changed since its status was written is not said to be ready', async () => {
    const operator = await startOperator();
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ base }) => ((base.spec as JsonObject).slow ? released : undefined),
    });
    operator.table('users');
    await operator.expectReady('users');
    operator.table('users', { slow: true });
    const { state } = await expectDiagnosis(
      shown(operator, {
        expected: /^Table default\/users: generation 2 has not been reconciled yet; generation 1 is ready\.$/,
        advice: /^Wait: /,
        stale: /^The status is about generation 1; the resource is in generation 2\.$/,
      }),
    );
    expect(state).toBe(ResourceState.WAITING);
    release(undefined);
    await operator.expectReady('users');
  });

  it('ready again has no cause any more', async () => {
    let isMended = false;
    const reconcile = () => {
      if (!isMended) throw retry('no disk');
    };
    const operator = await unready({ plugin: { name: 'PostgreSQL', reconcile } }, 'Failed');
    isMended = true;
    const ready = shown(operator, { expected: /^Table default\/users is ready: /, advice: /^$/ });
    await operator.expectReady('users');
    expect(await expectDiagnosis(ready)).toMatchObject({ causeName: '', details: [], stale: [] });
  });
});

it('names the right to read an extension', { timeout: 120_000 }, async () => {
  const cluster = await connectCluster();
  const group = uniqueGroup();
  const base = { apiVersion: `${group}/v1`, kind: 'Ledger' };
  await defineKind(cluster, definition({ group, kind: 'Ledger' }));
  await defineKind(cluster, definition({ group, kind: 'Option' }));
  const rules = [
    { apiGroups: [group], resources: ['ledgers'], verbs: ['get', 'list', 'watch', 'patch'] },
    { apiGroups: [group], resources: ['ledgers/status'], verbs: ['patch'] },
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  ];
  const { operator, adminUrl, namespace } = await startOnCluster(cluster, { rules, delegation: { base } });
  await operator.plugin({ name: 'PostgreSQL' });
  const extensions = [{ apiVersion: `${group}/v1`, kind: 'Option', name: 'fast' }];
  await cluster.apply({ ...base, metadata: { name: 'users', namespace }, spec: { extensions } });
  await expectDiagnosis({
    adminUrl,
    key: formatKey({ ...base, namespace, name: 'users' }),
    expected: new RegExp(`^The operator may not list and watch options\\.${group} in the namespace ${namespace}\\.$`),
    advice: /^Add to a Role in .* of the operator's service account the rule \{ .*"options".* \}/,
  });
});

it('says of no resource that it is ready while its kind cannot be read', { timeout: 120_000 }, async () => {
  const cluster = await connectCluster();
  const group = uniqueGroup();
  const base = { apiVersion: `${group}/v1`, kind: 'Ledger' };
  await defineKind(cluster, definition({ group, kind: 'Ledger' }));
  const { operator, adminUrl, namespace, proxy } = await startOnCluster(cluster, { delegation: { base } });
  await operator.plugin({ name: 'PostgreSQL' });
  await cluster.apply({ ...base, metadata: { name: 'users', namespace }, spec: {} });
  const client = clientOf({ adminUrl });
  const total = async (state: ResourceState) => (await client.searchResources({ states: [state] })).total;
  await vi.waitFor(async () => expect(await total(ResourceState.READY)).toBe(1), waiting);
  proxy.decide(() => ({ status: 503, body: 'gone' }));
  proxy.cut();
  await expectDiagnosis({
    adminUrl,
    key: formatKey({ ...base, namespace, name: 'users' }),
    expected: new RegExp(
      `^The resources of the kind Ledger \\(${group}/v1\\) can't be read, so their state isn't known: `,
    ),
    advice: /"kplug doctor"\.$/,
    stale: /^Resources of the kind Ledger .* can't be read now, so that this is their last known state\.$/,
  });
  expect([await total(ResourceState.READY), await total(ResourceState.FAILING)]).toEqual([0, 1]);
  for await (const { delegations } of client.watchSummary({})) {
    expect(delegations[0]).toMatchObject({ total: 1, ready: 0, failing: 1, problemReason: 'Unreachable' });
    const [cause] = delegations[0]?.causes ?? [];
    expect(cause).toMatchObject({ reason: 'Unreachable', resources: 1 });
    expect((await client.searchResources({ cause: cause?.id ?? '' })).total).toBe(1);
    break;
  }
  proxy.decide(() => undefined);
  await vi.waitFor(async () => expect(await total(ResourceState.READY)).toBe(1), waiting);
});

it('is not given by an operator that waits for leadership, which says so', { timeout: 120_000 }, async () => {
  const { standby, started, namespace } = await startLeaderAndStandby();
  const ended = started.catch(() => undefined);
  const client = clientOf({ adminUrl: `http://${standby.adminAddress}` });
  for await (const { standby: isStandby, delegations } of client.watchSummary({})) {
    expect([isStandby, delegations[0]?.total]).toEqual([true, 0]);
    break;
  }
  const answer = client.traceResource({ kind: 'Ledger', namespace, name: 'users' });
  await expect(answer).rejects.toThrow('; this operator waits for leadership, and knows no resources');
  await standby.stop();
  await ended;
});

it('does not trace a resource that is not delegated', async () => {
  const operator = await startOperator();
  const { adminUrl } = shown(operator, { expected: /./, advice: /./ });
  const answer = clientOf({ adminUrl }).traceResource({ kind: 'Table', namespace: 'default', name: 'nobody' });
  await expect(answer).rejects.toThrow('no delegated Table is named nobody in the namespace default');
});
