import { formatKey } from '@kplug/controller';
import type { Manifest } from '@kplug/controller/memory';
import type { PluginDefinition, Requirement } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

const apiVersion = 'myorg.org/v1alpha1';
/** Longest block of the event loop, in units of a computation that takes about a millisecond. */
const maxBlock = 50;
const waiting = { timeout: 20_000, interval: 5 };
const hour = 3_600_000;

const secret = (name: string, namespace: string): Manifest =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data: { password: 'c2VjcmV0' } }) as Manifest;

/** An operator that permits Plans, and a plugin that tries to get others. Returns all that its calls brought. */
async function attack(require: (call: number) => Record<string, unknown>, kinds: object[] = [{ kind: 'Plan' }]) {
  const permitted = kinds.map((one) => ({ apiVersion, kind: 'Plan', ...one }));
  const operator = await TestOperator.start({ resync: hour, requirements: { kinds: permitted } });
  const brought: unknown[] = [];
  let calls = 0;
  const reconcile: PluginDefinition['reconcile'] = ({ required, base: { metadata } }) => {
    if (metadata.name === 'honest') return {};
    const stated = require(calls++) as Record<string, Requirement>;
    for (const name of Object.keys(stated)) brought.push(...required.all(name));
    return { require: stated };
  };
  await operator.plugin({ name: 'Greedy', reconcile });
  return { operator, brought, calls: () => calls };
}

describe('a plugin gets no resources that its delegation does not permit', () => {
  it.each<[string, object]>([
    // Without the check, a plugin would read each Secret that the operator may read.
    ['of another kind', { apiVersion: 'v1', kind: 'Secret', name: 'admin' }],
    ['of another kind, by labels', { apiVersion: 'v1', kind: 'Secret', labels: { app: 'a' } }],
    // Without it, a plugin would read a kind by another version of its API.
    ['of another version', { apiVersion: 'myorg.org/v1', kind: 'Plan', name: 'admin' }],
    // Without it, the plugin of one team would read the resources of all.
    ['of another namespace', { apiVersion, kind: 'Plan', name: 'admin', namespace: 'theirs' }],
    ['of another namespace, by labels', { apiVersion, kind: 'Plan', labels: { app: 'a' }, namespace: 'theirs' }],
  ])('%s', async (_, requirement) => {
    const { operator, brought } = await attack(() => ({ taken: requirement }));
    operator.resources.apply({ ...secret('admin', 'default'), metadata: { name: 'admin', labels: { app: 'a' } } });
    operator.resources.apply({
      apiVersion,
      kind: 'Plan',
      metadata: { name: 'admin', namespace: 'theirs', labels: { app: 'a' } },
    });
    operator.table('victim');
    await operator.expectCondition('victim', 'Ready', { status: 'False', reason: 'RequirementForbidden' });
    operator.table('honest');
    await operator.expectReady('honest');
    expect(brought).toEqual([]);
  });

  // Without the check of its parts, a name would be a part of the key of another resource.
  it.each<[string, object]>([
    ['a name with a slash', { apiVersion, kind: 'Plan', name: 'x/../theirs/admin' }],
    ['a namespace with a slash', { apiVersion, kind: 'Plan', name: 'admin', namespace: 'default/theirs' }],
    ['a kind with a slash', { apiVersion, kind: 'Plan/theirs', name: 'admin' }],
    ['a version with two slashes', { apiVersion: `${apiVersion}/Plan`, kind: 'theirs', name: 'admin' }],
    ['a name of 10,000 characters', { apiVersion, kind: 'Plan', name: 'x'.repeat(10_000) }],
  ])('by %s', async (_, requirement) => {
    const { operator, brought } = await attack(() => ({ taken: requirement }), [{ namespaces: ['default'] }]);
    operator.table('victim');
    await operator.expectCondition('victim', 'Ready', { status: 'False', reason: 'InvalidResponse' });
    expect(operator.condition('victim', 'Ready')?.message.length).toBeLessThan(600);
    expect(brought).toEqual([]);
  });

  // Without the check, the name of a requirement would be a property of every object.
  it.each(['__proto__', 'x'.repeat(64), '', 'a b'])('by a requirement that is named %j', async (name) => {
    const stated = Object.defineProperty({}, name, {
      value: { apiVersion, kind: 'Plan', name: 'a' },
      enumerable: true,
    });
    const { operator } = await attack(() => stated);
    operator.table('victim');
    await operator.expectCondition('victim', 'Ready', { status: 'False', reason: 'InvalidResponse' });
    operator.table('honest');
    await operator.expectReady('honest');
    expect(({} as { kind?: string }).kind).toBeUndefined();
  });
});

describe('a plugin that requires a lot', () => {
  // Without slices and the index, each answer would walk 20,000 resources 32 times while everything else waits.
  it('does not block the operator by 32 new selections in each answer, among 20,000 resources', async () => {
    // So many that a call brings few resources, as this process also formats and parses those for the plugin.
    const values = 71;
    const { operator, calls } = await attack((call) => {
      const names = Array.from({ length: 32 }, (_, index) => `s${index}`);
      return Object.fromEntries(
        names.map((name) => [name, { apiVersion, kind: 'Plan', labels: { [name]: `v${call % values}` } }]),
      );
    });
    for (let index = 0; index < 20_000; index++) {
      const labels = { [`s${index % 32}`]: `v${index % values}`, more: `x${index}` };
      operator.resources.apply({ apiVersion, kind: 'Plan', metadata: { name: `p${index}`, labels } });
    }
    const block = await longestBlock(async () => {
      operator.table('victim');
      operator.table('honest');
      await operator.expectReady('honest');
      await vi.waitFor(() => expect(calls()).toBeGreaterThanOrEqual(10), waiting);
    });
    expect(block / unitOfWork()).toBeLessThan(maxBlock);
  });

  // Without the limit, a plugin would have the operator format and send gigabytes.
  it('gets no more than 2 MiB, and the operator formats no more', async () => {
    const stated = Object.fromEntries(
      Array.from({ length: 32 }, (_, index) => [`s${index}`, { apiVersion, kind: 'Plan', labels: { all: 'yes' } }]),
    );
    const { operator, brought } = await attack(() => stated);
    for (let index = 0; index < 90; index++) {
      const metadata = { name: `p${index}`, labels: { all: 'yes' } };
      operator.resources.apply({ apiVersion, kind: 'Plan', metadata, spec: { text: 'x'.repeat(500_000) } });
    }
    const block = await longestBlock(async () => {
      operator.table('victim');
      await operator.expectCondition('victim', 'Ready', { status: 'False', reason: 'RequirementsTooLarge' });
    });
    expect(brought).toEqual([]);
    expect(block / unitOfWork()).toBeLessThan(maxBlock);
  });

  // Without the limit of a pass and the back-off, a plugin would keep the operator busy with one resource.
  it('is called five times in a pass, and with back-off after that', async () => {
    const operator = await TestOperator.start({
      requirements: { kinds: [{ apiVersion, kind: 'Plan' }] },
      backOff: { initial: hour, max: hour },
    });
    let calls = 0;
    await operator.plugin({
      name: 'Fickle',
      reconcile: () => ({ require: { plan: { apiVersion, kind: 'Plan', name: `p${++calls}` } } }),
    });
    operator.table('victim');
    await operator.expectCondition('victim', 'Ready', { status: 'False', reason: 'RequirementsUnstable' });
    await operator.controller.whenIdle();
    expect(calls).toBe(5);
    expect(
      operator.resources.get(formatKey({ apiVersion, kind: 'Table', namespace: 'default', name: 'victim' })),
    ).toBeDefined();
  });
});
