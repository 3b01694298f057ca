import type { JsonObject } from '@kplug/controller';
import type { RuledDependent } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import { kinds, runningStatus, service, set, setKey, startKeeper, view, waitOptions } from './dependents.fixture.ts';

/** Starts an operator with two plugins, each with dependents of its own, of which the first never gets ready by itself. */
async function startTwo(handOver: 'retain' | 'finalize') {
  const operator = await TestOperator.start({ dependents: { kinds }, handOver });
  for (const name of ['Old', 'New']) {
    const own = name.toLowerCase();
    await operator.plugin({ name, reconcile: () => ({ dependents: [view(own), set(own), service(own)] }) });
  }
  const namesOf = (kind: string) => {
    const found = kinds.find((one) => one.kind === kind);
    return found ? [...operator.resources.list(found)].map(({ metadata }) => metadata.name).sort() : [];
  };
  return { operator, namesOf };
}

/** Moves a resource to the other plugin while the dependents of the first one roll out, and waits until it is ready. */
async function moveToNew(operator: TestOperator) {
  operator.table('users', { preferredImplementation: 'Old' });
  await operator.expectCondition('users', 'Ready', { reason: 'DependentsNotReady' });
  operator.table('users', { preferredImplementation: 'New' });
  await vi.waitFor(() => expect(operator.resources.get(setKey('new'))).toBeDefined(), waitOptions);
  await run(operator, 'new');
  await operator.expectReady('users', 'New');
}

describe('a resource that moves to another plugin while its dependents roll out', () => {
  it('leaves nothing of the former plugin that it finalizes', async () => {
    const { operator, namesOf } = await startTwo('finalize');
    await moveToNew(operator);
    await vi.waitFor(() => {
      expect([namesOf('View'), namesOf('StatefulSet'), namesOf('Service')]).toEqual([['new'], ['new'], ['new']]);
    }, waitOptions);
    expect(operator.get('users')?.status).toMatchObject({ dependentsReady: '3/3' });
  });

  it('is ready by the dependents of the new plugin alone, if those of the former one are retained', async () => {
    const { operator, namesOf } = await startTwo('retain');
    await moveToNew(operator);
    expect(namesOf('StatefulSet')).toEqual(['new', 'old']);
    expect(namesOf('Service')).toEqual(['new']);
    expect(operator.get('users')?.status).toMatchObject({ dependentsReady: '3/3' });
  });
});

/** Sets the status of a StatefulSet, as its controller does. */
async function run(operator: TestOperator, name: string) {
  const { uid = '' } = operator.resources.get(setKey(name))?.metadata ?? {};
  await operator.resources.applyStatus(setKey(name), runningStatus, { uid, fieldManager: 'controller' });
}

it('a base that is deleted while its dependents roll out goes with those that exist, and no more are created', async () => {
  const { operator, states } = await startKeeper(() => [view('a'), set('db'), service('db')]);
  operator.table('users');
  await operator.expectCondition('users', 'Ready', { reason: 'DependentsNotReady' });
  expect(states()).toContain('Service/db Waiting');
  const created: string[] = [];
  for (const kind of kinds) {
    await operator.resources.follow(kind, ({ resource, previous, gone }) => {
      if (!previous && !gone) created.push(`${resource.kind}/${resource.metadata.name}`);
    });
  }
  created.length = 0;
  operator.delete('users');
  await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
  for (const kind of kinds) expect([...operator.resources.list(kind)]).toEqual([]);
  expect(created).toEqual([]);
});

it('a hundred dependents, each of which requires the one before it, need a few calls and a write each', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `part-${index}`);
  const chain = names.map((name, index): RuledDependent => {
    return { manifest: view(name, { index }), dependsOn: index === 0 ? [] : [`View/part-${index - 1}`] };
  });
  const { operator, seen } = await startKeeper(() => chain);
  let writes = 0;
  const [kind = { apiVersion: '', kind: '' }] = kinds;
  await operator.resources.follow(kind, () => {
    writes++;
  });
  operator.table('users');
  await operator.expectReady('users');
  await operator.controller.whenIdle();
  expect(operator.get('users')?.status).toMatchObject({ dependentsReady: '100/100' });
  expect(writes).toBe(100);
  expect(seen.length).toBeLessThanOrEqual(3);
  // Removed from the end, so that each is gone before the one that it requires.
  operator.delete('users');
  await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
  expect([...operator.resources.list(kind)]).toEqual([]);
});

it('a plugin that answers with another list at each call is not called in a loop, and the status says what differs', async () => {
  let calls = 0;
  let isSteady = false;
  const operator = await TestOperator.start({ dependents: { kinds }, backOff: { initial: 200, max: 400 } });
  await operator.plugin({
    name: 'Flapping',
    reconcile: () => {
      calls += isSteady ? 0 : 1;
      const spec: JsonObject = { version: calls };
      return { dependents: calls % 2 ? [view('a', spec)] : [view('b', spec), view('a', spec)] };
    },
  });
  operator.table('users');
  await operator.expectCondition('users', 'Ready', {
    status: 'False',
    reason: 'DependentsUnstable',
    message: expect.stringMatching(
      /^each of the last 11 calls requested other dependents, .*: View default\/a differs in spec.version; View default\/b is missing$/,
    ),
  });
  expect(calls).toBe(11);
  isSteady = true;
  await operator.expectReady('users');
});
