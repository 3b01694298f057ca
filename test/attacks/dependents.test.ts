import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';
import { json, LiedToOperator } from './lying-plugin.fixture.ts';

const apiVersion = 'myorg.org/v1alpha1';
/** Longest time for one answer, in units of a computation that takes about a millisecond. */
const maxBlock = 40;

const backOff = { initial: 5, max: 20 };
const waiting = { timeout: 10_000, interval: 5 };
const rbac = 'rbac.authorization.k8s.io/v1';

const kinds = [
  { apiVersion, kind: 'View' },
  { apiVersion: 'v1', kind: 'Secret' },
  { apiVersion: rbac, kind: 'RoleBinding' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
];
const named = (version: string, kind: string, more: object = {}) => ({
  apiVersion: version,
  kind,
  metadata: { name: 'a' },
  ...more,
});
const deployment = (spec: object) => {
  const containers = [{ name: 'main', image: 'a:1' }];
  return named('apps/v1', 'Deployment', { spec: { template: { spec: { containers, ...spec } } } });
};

describe('a dependent that grants rights is refused with the field that would allow it', () => {
  it.each<[string, object, string]>([
    // Without the check, a plugin would put credentials beside those of users, or make a token of any ServiceAccount.
    [
      'a Secret',
      named('v1', 'Secret'),
      'dependent Secret default/a .v1. of a kind that grants rights; set allowPrivileged: true',
    ],
    // Without it, a plugin would bind whatever the operator itself may do.
    [
      'a RoleBinding',
      named(rbac, 'RoleBinding'),
      'RoleBinding default/a .* of a kind that grants rights; set allowPrivileged: true',
    ],
    // Without it, a plugin would run on the node.
    [
      'a privileged pod',
      deployment({ hostPID: true }),
      'Deployment default/a .* with spec.template.spec.hostPID, which is privileged',
    ],
    // Without it, a plugin would read each Secret of the namespace through its pods.
    [
      'a pod with the Secret of another',
      deployment({ volumes: [{ name: 'v', secret: { secretName: 'theirs' } }] }),
      'the Secret theirs, .*; set dependents.podSecrets: any',
    ],
    // Without it, a plugin would act as each ServiceAccount of the namespace.
    [
      'a pod with a ServiceAccount',
      deployment({ serviceAccountName: 'admin' }),
      'list admin in dependents.serviceAccounts',
    ],
  ])('%s', async (_, item, message) => {
    const items = [json(named(apiVersion, 'View')), json(item)];
    const answer = { baseStatus: json({ taken: true }), dependents: { items } };
    const lied = await LiedToOperator.start(answer, { backOff, dependents: { kinds } });
    await lied.expectRefused('DependentForbidden', message);
    for (const { apiVersion: version, kind } of kinds) {
      expect([...lied.operator.resources.list({ apiVersion: version, kind })]).toEqual([]);
    }
  });
});

// If refusals counted as failed writes, a plugin would hold the resources of all others by lying about a few of its own.
it('refused dependents of many resources hold no resource of others', async () => {
  const items = [json(named('v1', 'Secret'))];
  const lied = await LiedToOperator.start({ dependents: { items } }, { backOff, dependents: { kinds } }, (operator) => {
    for (let n = 0; n < 20; n++) operator.table(`victim-${n}`, { preferredImplementation: 'Raw' });
  });
  for (let n = 0; n < 20; n++) {
    await lied.operator.expectCondition(`victim-${n}`, 'Ready', { status: 'False', reason: 'DependentForbidden' });
  }
  await lied.expectHonestServed();
});

// Without a walk in few steps, an answer within the limits would hold up the heartbeats of others.
it('the rights of 46,000 objects in one answer are checked without a long block', async () => {
  const list = Array.from({ length: 470 }, () => ({}));
  const items = Array.from({ length: 100 }, (_, n) =>
    json({ ...named(apiVersion, 'View', { spec: { list } }), metadata: { name: `v-${n}` } }),
  );
  items.push(json(named('v1', 'Secret')));
  const unit = unitOfWork();
  const lied = await LiedToOperator.start(
    { dependents: { items: items.slice(1) } },
    { backOff: { initial: 200, max: 200 }, dependents: { kinds } },
  );
  await lied.operator.expectCondition('victim', 'Ready', { status: 'False', reason: 'DependentForbidden' });
  const block = await longestBlock(() => lied.expectHonestServed(2));
  expect(block / Math.max(unit, unitOfWork())).toBeLessThan(maxBlock);
});

// Without the decision, the plugins of one resource would overwrite each other's dependents at each pass.
it('a plugin does not change the dependents of another plugin of the same resource', async () => {
  const operator = await TestOperator.start({ backOff, selection: { mode: 'all' }, dependents: { kinds } });
  const rows = (n: number) => ({ dependents: [named(apiVersion, 'View', { spec: { rows: n } })] });
  await operator.plugin({ name: 'Owner', reconcile: () => rows(1) });
  operator.table('users');
  await operator.expectReady('users');
  await operator.plugin({ name: 'Liar', reconcile: () => rows(2) });
  const message =
    'Liar requests the dependent View default/a, which Owner has, with another content; let one of them use another name';
  await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'DependentFailed', message });
  operator.resources.delete(`${apiVersion}/View/default/a`);
  await vi.waitFor(() => expect(operator.get('a', 'View')?.spec).toEqual({ rows: 1 }), waiting);
});
