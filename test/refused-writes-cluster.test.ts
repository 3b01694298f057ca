import type { PluginDefinition } from '@kplug/sdk';
import { KubernetesOperator, type KubernetesOperatorOptions, uniqueGroup } from '@kplug/testing/cluster';
import { conditionsSchema, definition, FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

const group = 'operator.example.org';
const apiVersion = `${group}/v1`;
const waiting = { timeout: 20_000, interval: 20 };
const backOff = { initial: 50, max: 200 };

let cluster: TestCluster;
let namespace: string;
let lines: { msg: string; level: number }[];

beforeAll(async () => {
  cluster = await TestCluster.connect();
  for (const kind of ['Table', 'PgOption']) await cluster.define(definition({ group, kind }));
}, startTimeout);

afterAll(() => cluster?.close());

beforeEach(async () => {
  namespace = await cluster.namespace();
  lines = [];
});

const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });

/** Starts an operator, behind a proxy that counts the requests. */
async function start(options: KubernetesOperatorOptions & { rules?: object[] } = {}) {
  const { rules, delegation, ...rest } = options;
  const proxy = await FaultProxy.open(cluster.kubeConfig);
  onTestFinished(() => proxy.close());
  const kubeConfig = proxy.kubeConfig(rules && (await grant(rules)));
  const operator = await KubernetesOperator.start(cluster, namespace, {
    kubeConfig,
    delegation: { backOff, ...delegation },
    controller: { logger },
    ...rest,
  });
  /** Waits until a request for a resource was repeated some times. */
  const repeated = (part: string, times = 4) => {
    const seen = count(part);
    return vi.waitFor(() => expect(count(part)).toBeGreaterThanOrEqual(seen + times), waiting);
  };
  const count = (part: string) => {
    return proxy.requests.filter(({ method, url }) => method !== 'GET' && url.pathname.includes(part)).length;
  };
  return { operator, proxy, repeated };
}

/** Grants rules to a new user of the namespace. */
async function grant(rules: object[]): Promise<string> {
  const user = `operator-${namespace}`;
  await cluster.grant(user, namespace, rules);
  return user;
}

const read = ['get', 'list', 'watch'];
const onTables = { apiGroups: [group], resources: ['tables'], verbs: [...read, 'patch'] };
const onOptions = { apiGroups: [group], resources: ['pgoptions'], verbs: read };
const onStatuses = { apiGroups: [group], resources: ['tables/status'], verbs: ['patch'] };
const onEvents = { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] };

/** Plugin that counts its calls by resource, and returns the spec as the status. */
function counting() {
  const calls = new Map<string, number>();
  const reconcile: PluginDefinition['reconcile'] = ({ base: { metadata, spec } }) => {
    calls.set(metadata.name, (calls.get(metadata.name) ?? 0) + 1);
    return { status: { ...(spec as object) } };
  };
  return { calls, definition: { name: 'PostgreSQL', reconcile } as const };
}

describe('a status that the schema refuses only for some values', () => {
  const status = {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    properties: {
      conditions: conditionsSchema,
      phase: { type: 'string', enum: ['Ready', 'Waiting'] },
      note: { type: 'string', maxLength: 5 },
      code: { type: 'string', pattern: '^[a-z]+$' },
      rows: { type: 'integer' },
      size: { type: 'integer' },
    },
    'x-kubernetes-validations': [
      { rule: '!has(self.size) || !has(self.rows) || self.size >= self.rows', message: 'size must be at least rows' },
    ],
  };
  const bad = {
    enum: [{ phase: 'Strange' }, 'status.phase'],
    length: [{ note: 'much too long' }, 'status.note'],
    pattern: [{ code: 'A1' }, 'status.code'],
    type: [{ rows: 'many' }, 'status.rows'],
    rule: [{ rows: 2, size: 1 }, 'size must be at least rows'],
  } as const;

  it('is reported at its resource, backs off, and calls the plugin once', async () => {
    const kind = 'Strict';
    const own = `${uniqueGroup()}/v1`;
    const defined = definition({ group: own.slice(0, -3), kind, status });
    await cluster.define(defined);
    onTestFinished(() => cluster.delete(defined));
    const { operator, repeated } = await start({ delegation: { base: { apiVersion: own, kind } } });
    const { calls, definition: plugin } = counting();
    await operator.plugin(plugin);
    const object = (name: string, spec: object) => ({ apiVersion: own, kind, metadata: { name, namespace }, spec });
    for (const [name, [spec]] of Object.entries(bad)) await cluster.apply(object(name, spec));
    await cluster.apply(object('good', { phase: 'Ready', rows: 1, size: 1 }));
    const ready = async (name: string) => {
      const { status: stored } = (await cluster.get(object(name, {}))) ?? {};
      return (stored?.conditions as { type: string }[] | undefined)?.find(({ type }) => type === 'Ready');
    };
    for (const [name, [, field]] of Object.entries(bad)) {
      const expected = { status: 'False', reason: 'InvalidResponse', message: expect.stringContaining(field) };
      await vi.waitFor(async () => expect(await ready(name)).toMatchObject(expected), waiting);
    }
    await vi.waitFor(async () => expect(await ready('good')).toMatchObject({ status: 'True' }), waiting);
    await repeated('/stricts/enum/status');
    expect(Object.fromEntries(calls)).toEqual(
      Object.fromEntries([...Object.keys(bad), 'good'].map((name) => [name, 1])),
    );
  }, 60_000);

  it('names a field that the definition does not declare, and stores nothing', async () => {
    const kind = 'Undeclared';
    const own = `${uniqueGroup()}/v1`;
    const properties = { ...status.properties, plugin: { type: 'object' }, observedGeneration: { type: 'integer' } };
    const some = { implementation: { type: 'string' }, conditions: conditionsSchema };
    const defined = definition({
      group: own.slice(0, -3),
      kind,
      status: { type: 'object', properties: { ...properties, ...some } },
    });
    await cluster.define(defined);
    onTestFinished(() => cluster.delete(defined));
    const { operator } = await start({ delegation: { base: { apiVersion: own, kind } } });
    await operator.plugin({ name: 'PostgreSQL', reconcile: () => ({ status: { engine: 'x', made: 1 } }) });
    await cluster.apply({ apiVersion: own, kind, metadata: { name: 'users', namespace }, spec: {} });
    const message = () => lines.find(({ msg }) => msg.startsWith('pass failed'))?.msg;
    await vi.waitFor(() => expect(message()).toBeDefined(), waiting);
    expect(message()).toMatch(
      /; declare its fields in the CustomResourceDefinition, or set .*: \.status\.(engine|made): field not declared/,
    );
    // The API server refuses the whole status.
    const stored = await cluster.get({ apiVersion: own, kind, metadata: { name: 'users', namespace } });
    expect(stored?.status).toMatchObject({ conditions: expect.anything() });
    expect(stored?.status).not.toHaveProperty('made');
  }, 60_000);
});

it('a status that an admission policy denies is reported, and is not taken for a missing right', async () => {
  const name = `deny-${namespace}`;
  const admission = 'admissionregistration.k8s.io/v1';
  const policy = {
    apiVersion: admission,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          { apiGroups: [group], apiVersions: ['*'], operations: ['UPDATE'], resources: ['tables/status'] },
        ],
      },
      validations: [{ expression: '!has(object.status.rows) || object.status.rows < 100', message: 'too many rows' }],
    },
  };
  const binding = {
    apiVersion: admission,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: {
      policyName: name,
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
    },
  };
  const path = (plural: string) => `/apis/${admission}/${plural}`;
  await cluster.request('POST', path('validatingadmissionpolicies'), policy);
  await cluster.request('POST', path('validatingadmissionpolicybindings'), binding);
  onTestFinished(async () => {
    await cluster.request('DELETE', `${path('validatingadmissionpolicybindings')}/${name}`);
    await cluster.request('DELETE', `${path('validatingadmissionpolicies')}/${name}`);
  });
  // The API server applies a new policy within a moment.
  const probe = { apiVersion, kind: 'Table', metadata: { name: 'probe', namespace } };
  await cluster.apply(probe);
  const isDenied = async () => {
    try {
      await cluster.edit(probe, { status: { rows: 100 } }, 'status');
      return false;
    } catch (error) {
      return String(error).includes('too many rows');
    }
  };
  await vi.waitFor(async () => expect(await isDenied()).toBe(true), waiting);

  const { operator, repeated } = await start({ delegation: { labels: { own: 'yes' } } });
  const { calls, definition: plugin } = counting();
  await operator.plugin(plugin);
  const names = ['many-1', 'many-2', 'many-3', 'many-4'];
  const labelled = (one: string, rows: number) => {
    const object = operator.object('Table', one, { rows });
    return { ...object, metadata: { ...object.metadata, labels: { own: 'yes' } } };
  };
  for (const one of names) await cluster.apply(labelled(one, 100));
  await repeated('/tables/many-1/status');
  // Others of the namespace are not held, as the denial is about content.
  await cluster.apply(labelled('few', 1));
  await operator.expectReady('few', 'PostgreSQL');
  expect(calls.get('many-1')).toBe(1);
  const [message] = lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('pass failed'));
  expect(message).toMatch(/the API server refused it: .*too many rows/);
  expect(message).not.toContain('the operator may not');
}, 60_000);

it('a dependent that a quota forbids is reported, and the plugin is not called again', async () => {
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace } };
  const hard = { 'count/configmaps': '0' };
  await cluster.apply({ ...quota, spec: { hard } });
  // The test control plane has no controller that would do this.
  await cluster.edit(quota, { status: { hard, used: hard } }, 'status');
  const kind = { apiVersion: 'v1', kind: 'ConfigMap' };
  const { operator, repeated } = await start({ delegation: { dependents: { kinds: [kind] } } });
  let calls = 0;
  const dependents = [{ ...kind, metadata: { name: 'made' }, data: {} }];
  await operator.plugin({
    name: 'PostgreSQL',
    reconcile: () => {
      calls++;
      return { dependents };
    },
  });
  await cluster.apply(operator.object('Table', 'users'));
  await operator.expectCondition('users', 'Ready', {
    status: 'False',
    reason: 'DependentFailed',
    message: expect.stringMatching(/the API server refused it: .*exceeded quota/),
  });
  await repeated('/configmaps/made');
  expect(calls).toBe(1);
}, 60_000);

describe('a right that is missing', () => {
  it('for the status of an extension is reported at the base', async () => {
    const { operator, repeated } = await start({ rules: [onTables, onStatuses, onOptions, onEvents] });
    let calls = 0;
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ extensions }) => {
        calls++;
        const [extension] = extensions.all('PgOption');
        return extension ? { extensions: [{ extension, status: { used: true } }] } : undefined;
      },
    });
    await cluster.apply(operator.object('PgOption', 'fast'));
    await cluster.apply(operator.object('Table', 'users', { extensions: [operator.reference('PgOption', 'fast')] }));
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'StorageFailed',
      message: expect.stringContaining('the operator may not patch pgoptions/status'),
    });
    await repeated('/pgoptions/fast/status');
    expect(calls).toBe(1);
  }, 60_000);

  it('for the finalizer is reported at the base, and the plugin is not called', async () => {
    const { operator, repeated } = await start({ rules: [{ ...onTables, verbs: read }, onStatuses, onEvents] });
    const { calls, definition: plugin } = counting();
    await operator.plugin(plugin);
    await cluster.apply(operator.object('Table', 'users'));
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'StorageFailed',
      message: expect.stringContaining('the operator may not patch tables'),
    });
    await repeated('/tables/users');
    expect(calls.size).toBe(0);
  }, 60_000);

  it('for removing the finalizer is reported at the base, and finalize is called once', async () => {
    const rules = [onTables, onStatuses, onEvents];
    const { operator, repeated } = await start({ rules });
    let finalized = 0;
    await operator.plugin({ name: 'PostgreSQL', finalize: () => void finalized++ });
    await cluster.apply(operator.object('Table', 'users'));
    await operator.expectReady('users', 'PostgreSQL');
    await grant([{ ...onTables, verbs: read }, onStatuses, onEvents]);
    await cluster.delete(operator.object('Table', 'users'));
    await operator.expectCondition('users', 'Finalized', {
      status: 'False',
      reason: 'StorageFailed',
      message: expect.stringContaining('the operator may not patch tables'),
    });
    await repeated('/tables/users');
    expect(finalized).toBe(1);
    await grant(rules);
    await vi.waitFor(async () => expect(await operator.stored('Table', 'users')).toBeUndefined(), waiting);
    expect(finalized).toBe(1);
  }, 60_000);

  it('for Events is logged once, and resources are reconciled', async () => {
    const { operator } = await start({ rules: [onTables, onStatuses] });
    await operator.plugin({ name: 'PostgreSQL' });
    for (const name of ['a', 'b', 'c', 'd']) await cluster.apply(operator.object('Table', name));
    for (const name of ['a', 'b', 'c', 'd']) await operator.expectReady(name, 'PostgreSQL');
    const messages = () => lines.map(({ msg }) => msg).filter((msg) => msg.startsWith("Events can't be written"));
    await vi.waitFor(() => expect(messages()).toHaveLength(1), waiting);
    expect(messages()[0]).toContain('resources: ["events"]');
  }, 60_000);
});

it('a status that another client keeps changing is repaired ever more slowly, and an Event says so', async () => {
  const { operator } = await start({ delegation: { backOff: { initial: 50, max: 60_000 } } });
  const { calls, definition: plugin } = counting();
  await operator.plugin(plugin);
  const object = operator.object('Table', 'users', { rows: 1 });
  await cluster.apply(object);
  await operator.expectReady('users', 'PostgreSQL');
  const stored = async () => (await operator.stored('Table', 'users'))?.status?.rows;
  const repairedAt: number[] = [];
  for (const _ of [1, 2, 3, 4]) {
    await cluster.edit(object, { status: { rows: 7 } }, 'status');
    const at = performance.now();
    await vi.waitFor(async () => expect(await stored()).toBe(1), waiting);
    repairedAt.push(performance.now() - at);
  }
  expect(calls.get('users')).toBe(5);
  // 1 s, 2 s, 4 s, 8 s.
  expect(repairedAt[3]).toBeGreaterThan(7_000);
  const messages = lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('another client keeps changing'));
  expect(messages).toHaveLength(1);
}, 60_000);

describe('an API server that', () => {
  const faults = {
    'is overloaded': [{ status: 429, body: { message: 'too many requests' } }, 'too many requests'],
    'cannot reach a webhook': [
      { status: 500, body: { message: 'Internal error occurred: failed calling webhook "x.example.org"' } },
      'failed calling webhook',
    ],
    'is denied by a webhook': [
      { status: 403, body: { message: 'admission webhook "x.example.org" denied the request: not today' } },
      'the API server refused it: admission webhook "x.example.org" denied the request: not today',
    ],
    'sees a conflict at each write': [{ status: 409, body: { message: 'the object has been modified' } }, 'changed'],
    'finds an object too large': [
      { status: 413, body: { message: 'Request entity too large: limit is 3145728' } },
      'it is too large for the API server',
    ],
  } as const;

  it.each(Object.entries(faults))(
    '%s delays the status, without another call',
    async (_, [fault, message]) => {
      const { operator, proxy, repeated } = await start();
      const { calls, definition: plugin } = counting();
      let isFaulty = true;
      proxy.decide(({ method, url }) =>
        isFaulty && method === 'PATCH' && url.pathname.endsWith('/status') ? fault : undefined,
      );
      await operator.plugin(plugin);
      await cluster.apply(operator.object('Table', 'users', { rows: 1 }));
      await repeated('/tables/users/status', 8);
      const failed = () => lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('pass failed'));
      await vi.waitFor(() => expect(failed()).toEqual([expect.stringContaining(message)]), waiting);
      expect(calls.get('users')).toBe(1);
      isFaulty = false;
      const { status } = await operator.expectReady('users', 'PostgreSQL');
      expect(status).toMatchObject({ rows: 1 });
      expect(calls.get('users')).toBe(1);
    },
    60_000,
  );
});
