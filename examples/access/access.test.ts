import { ExampleOnCluster } from '@kplug/testing/cluster';
import { startTimeout } from '@kplug/testing/control-plane';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const here = (file: string) => new URL(file, import.meta.url);
const rbac = 'rbac.authorization.k8s.io/v1';

let example: ExampleOnCluster;

beforeAll(async () => {
  example = await ExampleOnCluster.open();
  await example.apply(here('deploy/kind.yaml'));
  await example.startController();
  await example.apply(here('deploy/delegation.yaml'));
  example.startPlugin(here('plugin.ts'));
}, startTimeout);

afterAll(() => example?.[Symbol.asyncDispose]());

const request = (spec: object) => example.object('example.org/v1', 'AccessRequest', 'jane', { spec });
const binding = () => example.object(rbac, 'RoleBinding', 'access-jane');

it('is granted, updated, and revoked with the request', async () => {
  await example.cluster.apply(request({ user: 'jane', role: 'view', duration: '1h' }));
  await example.expectStored(request({}), { status: { phase: 'Granted', implementation: 'RoleBindings' } });
  await example.expectStored(binding(), { roleRef: { name: 'view' }, subjects: [{ kind: 'User', name: 'jane' }] });

  await example.cluster.apply(request({ user: 'jane', role: 'edit', duration: '1h' }));
  await example.expectStored(binding(), { roleRef: { name: 'edit' } });

  await example.cluster.delete(request({}));
  await example.expectGone(request({}));
  await example.expectGone(binding());
});

it('is revoked when its time is over', async () => {
  await example.cluster.apply(request({ user: 'jane', role: 'view', duration: '1h' }));
  const { status } = await example.expectStored(request({}), { status: { phase: 'Granted' } });
  const { grantedAt, expiresAt } = status as { grantedAt: string; expiresAt: string };
  expect(Date.parse(expiresAt) - Date.parse(grantedAt)).toBe(3_600_000);
  await example.expectStored(binding(), {});
  // Simulates a grant two hours ago.
  const before = new Date(Date.now() - 7_200_000).toISOString();
  await example.cluster.edit(request({}), { status: { grantedAt: before } }, 'status');
  await example.expectStored(request({}), { status: { phase: 'Expired' } });
  await vi.waitFor(async () => expect(await example.cluster.get(binding())).toBeUndefined());
  await example.cluster.delete(request({}));
  await example.expectGone(request({}));
});

it('is rejected with a reason when the request is invalid', async () => {
  await example.cluster.apply(request({ user: 'jane', role: 'view', duration: '30d' }));
  const refused = await example.expectStored(request({}), {
    status: { conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'False' })]) },
  });
  expect(JSON.stringify(refused.status)).toContain('\\"30d\\" is not a duration of at most 7d');
  expect(await example.cluster.get(binding())).toBeUndefined();
  await example.cluster.delete(request({}));
  await example.expectGone(request({}));
});
