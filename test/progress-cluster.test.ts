import type { Operation } from '@kplug/sdk';
import { KubernetesOperator, uniqueGroup } from '@kplug/testing/cluster';
import { conditionsSchema, definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 20_000, interval: 20 };

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  await cluster.define(definition({ group: 'operator.example.org', kind: 'Table' }));
}, startTimeout);

afterAll(() => cluster?.close());

it('keeps the token in the status, from which another operator continues, and removes it in the end', async () => {
  const namespace = await cluster.namespace();
  const first = await KubernetesOperator.start(cluster, namespace);
  const seen: (Operation | undefined)[] = [];
  const former = await first.plugin({
    name: 'Copier',
    reconcile: ({ operation }) => {
      seen.push(operation);
      const after = seen.length < 3 ? 10 : 3_600_000;
      return { progress: { percentage: seen.length * 10, message: 'copying', token: 'job-1', after } };
    },
  });
  const table = first.object('Table', 'users');
  await cluster.apply(table);
  await vi.waitFor(() => expect(seen).toHaveLength(3), waitOptions);
  expect(seen.map((one) => one?.percentage)).toEqual([undefined, 10, 20]);
  await vi.waitFor(async () => {
    const operation = { plugin: 'Copier', percentage: 30, token: 'job-1', generation: 1 };
    expect((await cluster.get(table))?.status?.operationsInProgress).toMatchObject([operation]);
  }, waitOptions);
  await first.controller.stop();
  // The next operator knows it from its Plugin resource.
  await former.stop();

  const second = await KubernetesOperator.start(cluster, namespace);
  const continued: (Operation | undefined)[] = [];
  await second.plugin({
    name: 'Copier',
    reconcile: ({ operation }) => {
      continued.push(operation);
      if (continued.length < 3) return { progress: { percentage: 90, token: 'job-1', after: 10 } };
      return { requeueAfter: continued.length < 5 ? 10 : 3_600_000 };
    },
  });
  await second.expectReady('users', 'Copier');
  await vi.waitFor(() => expect(continued).toHaveLength(5), waitOptions);
  expect(continued.map((one) => one?.percentage)).toEqual([30, 90, 90, undefined, undefined]);
  expect((await cluster.get(table))?.status).not.toHaveProperty('operationsInProgress');
});

it('keeps the token in memory if the schema of the status has no field for it', async () => {
  const namespace = await cluster.namespace();
  const properties = {
    implementation: { type: 'string' },
    plugin: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    observedGeneration: { type: 'integer' },
    conditions: conditionsSchema,
  };
  const group = uniqueGroup();
  await cluster.define(definition({ group, kind: 'Table', status: { type: 'object', properties } }));
  const base = { apiVersion: `${group}/v1`, kind: 'Table' };
  const operator = await KubernetesOperator.start(cluster, namespace, { delegation: { base } });
  const seen: (Operation | undefined)[] = [];
  await operator.plugin({
    name: 'Copier',
    reconcile: ({ operation }) => {
      seen.push(operation);
      return seen.length < 4 ? { progress: { percentage: seen.length * 10, token: 'job-1', after: 10 } } : {};
    },
  });
  const table = { ...base, metadata: { name: 'users', namespace }, spec: {} };
  await cluster.apply(table);
  await vi.waitFor(async () => {
    expect((await cluster.get(table))?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'True' }),
    );
  }, waitOptions);
  expect(seen.map((one) => one?.percentage)).toEqual([undefined, 10, 20, 30]);
});
