import { mkdir, writeFile } from 'node:fs/promises';
import { KplugError } from '@kplug/controller';
import { TestOperator } from '@kplug/testing';
import { GreetingWorkspace, kplug } from '@kplug/testing/kplug';
import { expect, it, vi } from 'vitest';

const names = ['a', 'b', 'c', 'd', 'e'];
const manifests = names
  .map((name) => `apiVersion: myorg.org/v1alpha1\nkind: Table\nmetadata: { name: ${name} }\nspec: {}\n`)
  .join('---\n');

/** Writes the file by which commands find the operator of a directory. */
async function announce(workspace: GreetingWorkspace, adminAddress: string): Promise<void> {
  const content = { pid: process.pid, heartbeatAddress: '127.0.0.1:1', adminAddress };
  await mkdir(workspace.path('manifests/.kplug'), { recursive: true });
  await writeFile(workspace.path('manifests/.kplug/operator.json'), JSON.stringify(content));
}

const get = (workspace: GreetingWorkspace, ...args: string[]) =>
  kplug(['get', 'tables', '--manifests', workspace.manifests, ...args]);

it('kplug get shows what the operator has in memory if it cannot write statuses', async () => {
  await using workspace = await GreetingWorkspace.make({ 'manifests/tables.yaml': manifests });
  const operator = await TestOperator.start({}, { adminAddress: '127.0.0.1:0' });
  vi.spyOn(operator.resources, 'applyStatus').mockRejectedValue(new KplugError('StorageFailed', 'the disk is full'));
  for (const name of names) operator.table(name);
  await operator.plugin({ name: 'PostgreSQL' });
  await announce(workspace, operator.controller.adminAddress);
  await vi.waitFor(
    async () => expect((await get(workspace)).stdout.match(/^[a-e] +False +- +StorageFailed/gm)).toHaveLength(5),
    { timeout: 20_000, interval: 50 },
  );
  const { code, stdout, stderr } = await get(workspace, '-o', 'json');
  expect(code).toBe(0);
  // Documents are printed as they are stored.
  expect(JSON.parse(stdout).items[0]).not.toHaveProperty('status');
  expect(stderr.trimEnd().split('\n')).toEqual([
    ...['a', 'b', 'c'].map(
      (name) =>
        `warning: the stored status of Table default/${name} is out of date; the operator has StorageFailed: the disk is full`,
    ),
    'warning: 2 more stored statuses are out of date',
  ]);
}, 60_000);

it('kplug get says that statuses may be out of date if the operator of the directory does not answer', async () => {
  await using workspace = await GreetingWorkspace.make({ 'manifests/tables.yaml': manifests });
  await announce(workspace, '127.0.0.1:1');
  const { code, stdout, stderr } = await get(workspace);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^a /m);
  expect(stderr).toMatch(
    /^warning: the operator does not answer, so statuses may be out of date: no operator answers at /,
  );
});
