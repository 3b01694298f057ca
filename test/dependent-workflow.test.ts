import type { JsonObject } from '@kplug/controller';
import type { Dependent, RuledDependent } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import {
  apiVersion,
  kinds,
  runningStatus,
  service,
  set,
  setKey,
  startKeeper,
  view,
  viewKey,
  waitOptions,
} from './dependents.fixture.ts';

describe('dependents in order', () => {
  it('are applied when those before them are ready, and the base is ready when all are', async () => {
    const { operator, seen, setStatus, states, expectUnready } = await startKeeper(() => [
      view('a'),
      set('db'),
      service('db'),
    ]);
    operator.table('users');
    await expectUnready(
      'DependentsNotReady',
      /^StatefulSet default\/db is not ready: 0 of 1 pods created; 1 of 3 dependents are ready$/,
    );
    expect(states()).toEqual(['View/a Ready', 'StatefulSet/db Progressing', 'Service/db Waiting']);
    expect(operator.get('users')?.status).toMatchObject({
      dependentsReady: '1/3',
      dependents: [{ ready: true }, { ready: false }, { ready: false, message: 'waits for StatefulSet/db' }],
    });
    await operator.expectCondition('users', 'Reconciled', { status: 'True', reason: 'Succeeded' });

    await setStatus(setKey('db'), runningStatus);
    await operator.expectReady('users');
    expect(states()).toEqual(['View/a Ready', 'StatefulSet/db Ready', 'Service/db Ready']);
    expect(operator.get('users')?.status).toMatchObject({ dependentsReady: '3/3' });
    await operator.controller.whenIdle();
    // One call for the base, one for the status, one that creates the Service.
    expect(seen.length).toBeLessThanOrEqual(3);

    // The pod is gone. The status says so, and the plugin sees it.
    const calls = seen.length;
    await setStatus(setKey('db'), { replicas: 1 });
    await expectUnready('DependentsNotReady', '0 of 1 pods ready');
    expect(seen.length).toBeGreaterThan(calls);
    expect(operator.resources.get('/v1/Service/default/db')).toBeDefined();
  });

  it('need not wait for a claim that is bound only when a pod uses it', async () => {
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
    const operator = await TestOperator.start({ dependents: { kinds: [...kinds, claim] } });
    const dependents = [{ ...claim, metadata: { name: 'data' }, spec: {} }, service('db')];
    await operator.plugin({ name: 'Keeper', reconcile: () => ({ dependents }) });
    operator.table('users');
    await vi.waitFor(() => expect(operator.resources.get('/v1/Service/default/db')).toBeDefined(), waitOptions);
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'DependentsNotReady' });
  });

  it('are replaced before the former ones are deleted, in reverse order', async () => {
    const { operator, setStatus, states } = await startKeeper(({ name }) => [set(String(name)), service(String(name))]);
    operator.table('users', { name: 'old' });
    await setStatus(setKey('old'), runningStatus);
    await operator.expectReady('users');
    const deleted: string[] = [];
    for (const kind of kinds) {
      await operator.resources.follow(kind, ({ resource, gone }) => gone && deleted.push(resource.kind));
    }
    operator.table('users', { name: 'new' });
    await vi.waitFor(() => expect(states()).toContain('StatefulSet/new Progressing'), waitOptions);
    expect(states()).toEqual([
      'StatefulSet/new Progressing',
      'Service/new Waiting',
      'StatefulSet/old Ready',
      'Service/old Ready',
    ]);
    await setStatus(setKey('new'), runningStatus);
    await operator.expectReady('users');
    expect(states()).toEqual(['StatefulSet/new Ready', 'Service/new Ready']);
    expect(deleted).toEqual(['Service', 'StatefulSet']);
  });

  it('that another client owns fail alone: those that do not require them are applied', async () => {
    const { operator, expectUnready } = await startKeeper(() => [
      { manifest: view('taken') },
      { manifest: view('after'), dependsOn: ['View/taken'] },
      { manifest: view('free') },
    ]);
    operator.extension('View', 'taken', { rows: 7 });
    operator.table('users');
    await expectUnready(
      'DependentFailed',
      /View default\/taken already exists and is not owned by Table default\/users/,
    );
    expect(operator.get('free', 'View')).toBeDefined();
    expect(operator.get('after', 'View')).toBeUndefined();
    expect(operator.get('taken', 'View')?.spec).toEqual({ rows: 7 });
    operator.resources.delete(viewKey('taken'));
    await operator.expectReady('users');
    expect(operator.get('after', 'View')).toBeDefined();
  });
});

describe('dependents with dependsOn', () => {
  it('are applied as the graph says', async () => {
    const { operator, setStatus, states } = await startKeeper(() => [
      { manifest: service('db'), dependsOn: ['StatefulSet/db'] },
      { manifest: set('db'), dependsOn: ['View.myorg.org/a', 'View/b'] },
      { manifest: view('a') },
      view('b'),
    ]);
    operator.table('users');
    await vi.waitFor(() => expect(states()).toHaveLength(4), waitOptions);
    expect(states()).toEqual(['View/a Ready', 'View/b Ready', 'StatefulSet/db Progressing', 'Service/db Waiting']);
    await setStatus(setKey('db'), runningStatus);
    await operator.expectReady('users');
  });

  it.each<[string, RuledDependent[], string]>([
    [
      'a cycle',
      [
        { manifest: view('a'), dependsOn: ['View/c'] },
        { manifest: view('b'), dependsOn: ['View/a'] },
        { manifest: view('c'), dependsOn: ['View/b'] },
      ],
      'depend on each other in a cycle: View/a → View/c → View/b → View/a',
    ],
    [
      'a name that is not requested',
      [{ manifest: view('a'), dependsOn: ['View/z'] }],
      "lets View/a depend on View/z, which it doesn't request",
    ],
    [
      'an expression that is none',
      [{ manifest: view('a'), readyWhen: 'self.' }],
      'ready_when of View/a is not a valid CEL',
    ],
    [
      'an expression that is too long',
      [{ manifest: view('a'), includeWhen: `"${'a'.repeat(2_000)}" == ""` }],
      'include_when of View/a has 2008 characters; at most 1024 are allowed',
    ],
  ])('and %s are refused as a whole', async (_, dependents, message) => {
    const { operator } = await startKeeper(() => [view('good'), ...dependents]);
    operator.table('users');
    await operator.expectCondition('users', 'Ready', {
      reason: 'InvalidResponse',
      message: expect.stringContaining(message) as string,
    });
    expect(operator.get('good', 'View')).toBeUndefined();
  });

  it('with a name of several kinds is refused, and accepted with the group', async () => {
    const other = { apiVersion: 'other.org/v1', kind: 'View' };
    const operator = await TestOperator.start({ dependents: { kinds: [...kinds, other] } });
    const dependents = (name: string): (Dependent | RuledDependent)[] => [
      view('a'),
      { ...other, metadata: { name: 'a' } },
      { manifest: view('b'), dependsOn: [name] },
    ];
    await operator.plugin({
      name: 'Keeper',
      reconcile: ({ base }) => ({ dependents: dependents(String((base.spec as JsonObject).on)) }),
    });
    operator.table('users', { on: 'View/a' });
    await operator.expectCondition('users', 'Ready', {
      message: expect.stringContaining('which is the name of several dependents; write Kind.group/name') as string,
    });
    operator.table('users', { on: 'View.other.org/a' });
    await operator.expectReady('users');
  });
});

describe('a dependent with readyWhen', () => {
  it('is ready when the expression is true', async () => {
    const readyWhen = 'self.status.rows >= base.spec.rows';
    const { operator, setStatus, expectUnready } = await startKeeper(() => [
      { manifest: view('a'), readyWhen },
      view('b'),
    ]);
    operator.table('users', { rows: 3 });
    await expectUnready(
      'DependentsNotReady',
      /View default\/a is not ready: its ready_when has no value: field not found: status/,
    );
    expect(operator.get('b', 'View')).toBeUndefined();
    await setStatus(viewKey('a'), { rows: 2 });
    await expectUnready('DependentsNotReady', /View default\/a is not ready: its ready_when is false/);
    await setStatus(viewKey('a'), { rows: 3 });
    await operator.expectReady('users');
    expect(operator.get('b', 'View')).toBeDefined();
  });

  it('whose value is no boolean is never ready, and says so', async () => {
    const { operator, expectUnready } = await startKeeper(() => [
      { manifest: view('a'), readyWhen: 'self.metadata.name' },
    ]);
    operator.table('users');
    await expectUnready('DependentsNotReady', 'its ready_when has no value: its value is not a boolean');
  });

  it('that costs too much is not evaluated', async () => {
    const rows = Array.from({ length: 2_000 }, (_, index) => index);
    const readyWhen = 'self.spec.rows.all(a, self.spec.rows.all(b, a == b || a != b))';
    const { operator, expectUnready } = await startKeeper(() => [{ manifest: view('a', { rows }), readyWhen }]);
    operator.table('users');
    await expectUnready('DependentsNotReady', /it may take [\d,]+ steps, more than 1,000,000/);
  });
});

describe('a dependent that never gets ready', () => {
  it('is reported after its time, and recovers', async () => {
    const { operator, setStatus, expectUnready } = await startKeeper(() => [set('db'), service('db')], {
      readyTimeout: '1s',
    });
    operator.table('users');
    await expectUnready(
      'DependentTimedOut',
      /^StatefulSet default\/db has not been ready since \d{4}-\d\d-\d\dT[\d:]+Z: 0 of 1 pods created; 0 of 2 dependents are ready$/,
    );
    await setStatus(setKey('db'), runningStatus);
    await operator.expectReady('users');
  });

  it('has the time of its plugin', async () => {
    const { operator, expectUnready } = await startKeeper(() => [{ manifest: set('db'), readyTimeout: 1_000 }]);
    operator.table('users');
    await expectUnready('DependentTimedOut', 'has not been ready since');
  });

  it('and has failed is reported without a wait', async () => {
    const { operator, setStatus, expectUnready } = await startKeeper(() => [view('a')]);
    operator.table('users');
    const stalled = {
      type: 'Stalled',
      status: 'True',
      reason: 'Quota',
      message: 'no quota',
      lastTransitionTime: 'now',
    };
    await setStatus(viewKey('a'), { conditions: [stalled] });
    await expectUnready('DependentFailed', /^View default\/a failed: no quota; 0 of 1 dependents are ready$/);
  });
});

describe('a dependent with includeWhen', () => {
  it('exists while the expression is true, with those that depend on it', async () => {
    const { operator, states } = await startKeeper(() => [
      { manifest: view('a') },
      { manifest: view('backup'), dependsOn: ['View/a'], includeWhen: 'base.spec.backup' },
      { manifest: view('report'), dependsOn: ['View/backup'] },
    ]);
    operator.table('users', { backup: false });
    await operator.expectReady('users');
    expect(states()).toEqual(['View/a Ready']);
    operator.table('users', { backup: true });
    await vi.waitFor(() => expect(states()).toHaveLength(3), waitOptions);
    await operator.expectReady('users');

    const deleted: string[] = [];
    const listener = ({ resource, gone }: { resource: { metadata: { name: string } }; gone: boolean }) => {
      if (gone) deleted.push(resource.metadata.name);
    };
    await operator.resources.follow({ apiVersion, kind: 'View' }, listener);
    operator.table('users', { backup: false });
    await vi.waitFor(() => expect(deleted).toEqual(['report', 'backup']), waitOptions);
    await vi.waitFor(() => expect(states()).toEqual(['View/a Ready']), waitOptions);
  });

  it('is deleted only when those that depend on it are gone', async () => {
    const { operator, states } = await startKeeper(() => [
      { manifest: view('backup'), includeWhen: 'base.spec.backup' },
      { manifest: view('report'), dependsOn: ['View/backup'] },
    ]);
    operator.table('users', { backup: true });
    await operator.expectReady('users');
    const { uid } = operator.get('report', 'View')?.metadata ?? {};
    const options = { uid: uid ?? '', fieldManager: 'test' };
    await operator.resources.addFinalizer(viewKey('report'), 'example.org/wait', options);
    operator.table('users', { backup: false });
    await vi.waitFor(() => expect(states()).toEqual(['View/backup Deleting', 'View/report Deleting']), waitOptions);
    expect(operator.get('backup', 'View')?.metadata.deletionTimestamp).toBeUndefined();
    await operator.resources.removeFinalizer(viewKey('report'), 'example.org/wait', options);
    await vi.waitFor(() => expect(operator.get('backup', 'View')).toBeUndefined(), waitOptions);
    await vi.waitFor(() => expect(states()).toEqual([]), waitOptions);
  });

  it('is neither created nor deleted while the expression has no value', async () => {
    const { operator, expectUnready } = await startKeeper(() => [
      { manifest: view('a'), includeWhen: 'base.spec.backup' },
    ]);
    operator.table('users', { backup: true });
    await operator.expectReady('users');
    operator.table('users', {});
    await expectUnready('DependentFailed', 'its include_when has no value: field not found: backup');
    expect(operator.get('a', 'View')).toBeDefined();
  });
});

describe('a dependent that is only created', () => {
  it('stays as it is, and is created again when it is gone', async () => {
    let secret = 0;
    const { operator } = await startKeeper(() => [{ manifest: view('a', { secret: ++secret }), policy: 'CreateOnly' }]);
    operator.table('users', { change: 1 });
    await operator.expectReady('users');
    expect(operator.get('a', 'View')?.spec).toEqual({ secret: 1 });
    operator.table('users', { change: 2 });
    await operator.expectReady('users');
    expect(operator.get('a', 'View')?.spec).toEqual({ secret: 1 });
    expect(secret).toBeGreaterThan(1);
    operator.resources.delete(viewKey('a'));
    await vi.waitFor(
      () => expect(operator.get('a', 'View')?.spec).toEqual({ secret: expect.any(Number) }),
      waitOptions,
    );
    expect(operator.get('a', 'View')?.spec).not.toEqual({ secret: 1 });
  });
});
