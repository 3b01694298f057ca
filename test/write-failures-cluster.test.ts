import { KubernetesOperator, uniqueGroup } from '@kplug/testing/cluster';
import { definition, FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';

const group = 'operator.example.org';
const waiting = { timeout: 20_000, interval: 20 };

let cluster: TestCluster;
let namespace: string;
let lines: { msg: string }[];

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group, kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

beforeEach(async () => {
  namespace = await cluster.namespace();
  lines = [];
});

const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line)) });
const names = Array.from({ length: 30 }, (_, index) => `table-${index}`);

it('a right to write statuses that is missing is logged once, and used when it is granted', async () => {
  const user = `operator-${namespace}`;
  const onTables = { apiGroups: [group], resources: ['tables'], verbs: ['list', 'watch', 'patch'] };
  await cluster.grant(user, namespace, [onTables]);
  const proxy = await FaultProxy.open(cluster.kubeConfig);
  onTestFinished(() => proxy.close());
  const operator = await KubernetesOperator.start(cluster, namespace, {
    kubeConfig: proxy.kubeConfig(user),
    delegation: { concurrency: 2, backOff: { initial: 50, max: 1_000 } },
    controller: { logger },
  });
  let calls = 0;
  await operator.plugin({ name: 'PostgreSQL', reconcile: () => ({ status: { call: ++calls } }) });
  for (const name of names) await cluster.apply(operator.object('Table', name));
  await vi.waitFor(() => expect(calls).toBeGreaterThan(4), waiting);
  const messages = lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('pass failed'));
  expect(messages).toEqual([expect.stringContaining('the operator may not patch tables/status')]);
  expect(messages[0]).toContain(`{ apiGroups: ["${group}"], resources: ["tables/status"], verbs: ["patch"] }`);
  expect(calls).toBeLessThan(names.length);

  const onStatuses = { apiGroups: [group], resources: ['tables/status'], verbs: ['patch'] };
  await cluster.grant(user, namespace, [onTables, onStatuses]);
  for (const name of names) await operator.expectReady(name, 'PostgreSQL');
  expect(calls).toBe(names.length);
}, 60_000);

it('a schema that has no fields of the status is logged once, and the plugin is not called again', async () => {
  const otherGroup = uniqueGroup();
  const apiVersion = `${otherGroup}/v1`;
  const status = { type: 'object', properties: { implementation: { type: 'string' } } };
  const defined = definition({ group: otherGroup, kind: 'Loop', status });
  await cluster.define(defined);
  onTestFinished(() => cluster.delete(defined));
  const operator = await KubernetesOperator.start(cluster, namespace, {
    delegation: { base: { apiVersion, kind: 'Loop' }, concurrency: 2, backOff: { initial: 50, max: 1_000 } },
    controller: { logger },
  });
  const calls = new Map<string, number>();
  const seen = () => operator.controller.resources.list({ apiVersion, kind: 'Loop' });
  for (const name of names) await cluster.apply({ apiVersion, kind: 'Loop', metadata: { name, namespace }, spec: {} });
  await vi.waitFor(() => expect([...seen()]).toHaveLength(names.length), waiting);
  await operator.plugin({
    name: 'PostgreSQL',
    reconcile: ({ base: { metadata } }) => {
      calls.set(metadata.name, (calls.get(metadata.name) ?? 0) + 1);
      return { status: { implementation: 'PostgreSQL' } };
    },
  });
  await vi.waitFor(() => expect(calls.size).toBeGreaterThan(4), waiting);
  expect(Math.max(...calls.values())).toBe(1);
  const messages = lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('pass failed'));
  expect(messages).toEqual([expect.stringContaining('it does not match the schema of the kind')]);
}, 60_000);
