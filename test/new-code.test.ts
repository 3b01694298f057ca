import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DelegationDeclaration, ProgramHost } from '@kplug/controller';
import { pausedAnnotation } from '@kplug/controller/tools';
import { TestOperator } from '@kplug/testing';
import { makeFolder } from '@kplug/testing/supervisor';
import { expect, it, vi } from 'vitest';

const waiting = { timeout: 20_000, interval: 20 };
/** Time that is longer than any test. */
const hour = 3_600_000;

/** Plugin whose old code does what `spec.old` says, and whose new code hangs if `spec.new` says so. Both codes have the same version. */
const plugin = `import { definePlugin, terminal } from '${import.meta.resolve('@kplug/sdk')}';
await definePlugin({
  name: 'Plain', version: '1.0.0', api: 'Table@1.0.0',
  async reconcile({ base }) {
    const hang = () => new Promise((resolve) => setTimeout(resolve, ${hour}));
    const { old, new: next } = base.spec;
    if (process.env.CODE === 'new' && next === 'hanging') await hang();
    if (process.env.CODE === 'old') {
      if (old === 'terminal') throw terminal('never');
      if (old === 'failing') throw new Error('fails');
      if (old === 'hanging') await hang();
    }
    return { status: { by: process.env.CODE }, validFor: ${hour} };
  },
}).serve();
`;

/** Runs an operator with the old code. */
async function start(delegation: Partial<DelegationDeclaration> = {}) {
  const directory = await makeFolder();
  const file = join(directory, 'plain.mjs');
  await writeFile(file, plugin);
  const { promise, resolve } = Promise.withResolvers<ProgramHost>();
  const operator = await TestOperator.start(
    { backOff: { initial: '1h', max: '1h' }, ...delegation },
    { programs: { directory, drainTimeout: 500, start: resolve } },
  );
  const host = await promise;
  const use = (code: string) =>
    host.use({ name: 'plain', command: [process.execPath, file], directory, environment: { CODE: code } });
  use('old');
  return { operator, use };
}

const expectCode = (operator: TestOperator, name: string, code: string) =>
  vi.waitFor(() => expect(operator.get(name)?.status).toMatchObject({ by: code }), waiting);

it('calls the new code of a version for resources whose answers hold, that failed for good, or that wait for a retry', async () => {
  const { operator, use } = await start();
  for (const old of ['valid', 'terminal', 'failing']) operator.table(old, { old });
  await operator.expectReady('valid', 'Plain');
  for (const name of ['terminal', 'failing']) {
    await operator.expectCondition(name, 'Reconciled', { status: 'False' });
  }
  use('new');
  for (const name of ['valid', 'terminal', 'failing']) await expectCode(operator, name, 'new');
});

it('calls the new code for a resource whose call hangs in the old code', async () => {
  const { operator, use } = await start({ deadline: '1h' });
  operator.table('users', { old: 'hanging' });
  await vi.waitFor(() => expect(operator.controller.registry.size).toBe(1), waiting);
  await vi.waitFor(() => expect(operator.condition('users', 'Reconciled')?.status).toBe('Unknown'), waiting);
  use('new');
  await expectCode(operator, 'users', 'new');
});

it('calls the new code of a suspended plugin for all resources, also if it hangs for the one that would be the probe', async () => {
  const { operator, use } = await start({ deadline: '300ms', breaker: { timeouts: 2, coolDown: '1h' } });
  const hang = (name: string) => operator.table(name, { old: 'hanging' });
  for (const name of ['a', 'b']) hang(name);
  for (const name of ['a', 'b']) {
    await operator.expectCondition(name, 'Reconciled', { status: 'False', reason: 'DeadlineExceeded' });
  }
  operator.table('c', { old: 'hanging', new: 'hanging' });
  await operator.expectCondition('c', 'Reconciled', { reason: 'PluginSuspended' });
  use('new');
  for (const name of ['a', 'b']) await expectCode(operator, name, 'new');
});

it('does not use the answers of the old code for a resource that was paused meanwhile', async () => {
  const { operator, use } = await start();
  operator.table('users');
  await operator.expectReady('users', 'Plain');
  const paused = (value: Record<string, string>) =>
    operator.resources.apply({
      apiVersion: 'myorg.org/v1alpha1',
      kind: 'Table',
      metadata: { name: 'users', annotations: value },
      spec: {},
    });
  paused({ [pausedAnnotation]: 'true' });
  await operator.expectCondition('users', 'Paused', { status: 'True' });
  use('new');
  await vi.waitFor(
    () => expect(operator.controller.pluginsFolder?.list()).toMatchObject([{ state: 'live', message: '' }]),
    waiting,
  );
  await operator.controller.whenIdle();
  expect(operator.get('users')?.status).toMatchObject({ by: 'old' });
  paused({});
  await expectCode(operator, 'users', 'new');
});

it('calls the plugins for all resources on request', async () => {
  const calls: string[] = [];
  const operator = await TestOperator.start({}, { onCall: ({ resource = '' }) => calls.push(resource) });
  await operator.plugin({ name: 'Plain', reconcile: () => ({ status: { by: 'it' }, validFor: hour }) });
  for (const name of ['a', 'b']) operator.table(name);
  for (const name of ['a', 'b']) await operator.expectReady(name, 'Plain');
  await operator.controller.whenIdle();
  calls.length = 0;
  operator.controller.reconcileAll();
  await vi.waitFor(
    () => expect(calls.sort()).toEqual([expect.stringContaining('/a'), expect.stringContaining('/b')]),
    waiting,
  );
});
