import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, vi } from 'vitest';
import { kubectl } from './commands.ts';
import { inRepository } from './deployed-namespace.ts';
import { DeployedExample } from './example.ts';
import { walk } from './walk.ts';
import { writeUser } from './write-user.ts';

const waitOptions = { timeout: 90_000, interval: 250 };
const deployed = new DeployedExample();
const { namespace } = deployed;
const definitions = inRepository('examples/database-table/deploy/crds.yaml');

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-test-'));
  await deployed.load('operator', 'database-table-sqlite');
  await kubectl('apply', '--server-side', '--force-conflicts', '--filename', definitions);
  await deployed.create();
});

const step = walk(deployed, async () => {
  await deployed.kubectl('delete', 'databasetables', '--all', '--timeout=60s');
  await deployed.remove();
  await rm(folder, { recursive: true });
});

/** Process of `kplug attach` on this machine, with its output. */
function attach(
  kubeconfig: string,
  ...options: string[]
): { child: ChildProcess; output: () => string; exit: Promise<unknown> } {
  const main = inRepository('packages/cli/src/main.ts');
  const plugin = inRepository('examples/database-table/plugins/sqlite.ts');
  const args = ['attach', '--delegation', 'tables', '-n', namespace, '--operator-namespace', namespace, ...options];
  const child = spawn(process.execPath, [main, ...args, '--', process.execPath, plugin], {
    env: { ...process.env, KUBECONFIG: kubeconfig, SQLITE_DIRECTORY: folder },
    cwd: folder,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, output: () => output, exit: once(child, 'close') };
}

/** Applies a table with labels. */
async function applyTable(name: string, owner: string): Promise<void> {
  const columns = [{ name: 'id', type: 'uint64' }];
  const table = {
    apiVersion: 'myorg.org/v1alpha1',
    kind: 'DatabaseTable',
    metadata: { name, labels: { owner } },
    spec: { serverName: 'laptop', preferredImplementation: 'SQLite', columns },
  };
  const file = join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(table));
  await deployed.kubectl('apply', '--filename', file);
}

/** Waits until a table is reconciled by the plugin of the cluster, or by one that is attached. */
function expectAttached(name: string, isAttached: boolean, output: () => string = () => ''): Promise<void> {
  return vi.waitFor(async () => {
    const { status } = await deployed.table(name);
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready?.status, `${name}\n${output()}`).toBe('True');
    expect(status?.plugin?.version.includes('+attached.'), `${name}\n${output()}`).toBe(isAttached);
  }, waitOptions);
}

let kubeconfig: string;

describe('kplug attach on a cluster', () => {
  step('refuses a user without the right, and names the role', async () => {
    await deployed.operator('attach.enabled=true');
    await deployed.plugin('sqlite');
    await applyTable('mine', 'me');
    await applyTable('other', 'you');
    await expectAttached('mine', false);
    await expectAttached('other', false);
    kubeconfig = await writeUser(deployed, folder, 'developer');
    const account = `--serviceaccount=${namespace}:developer`;
    await deployed.kubectl('create', 'rolebinding', 'connect', '--role=kplug-attach-connect', account);
    const { exit, output } = attach(kubeconfig, '--selector', 'owner=me');
    await exit;
    expect(output()).toContain(`the ClusterRole kplug-${namespace}-attach`);
    await deployed.kubectl('create', 'rolebinding', 'attach', `--clusterrole=kplug-${namespace}-attach`, account);
  });

  step('takes over the chosen resources with a process of this machine, and hands them back at Ctrl-C', async () => {
    const other = await deployed.table('other');
    const { child, exit, output } = attach(kubeconfig, '--selector', 'owner=me');
    await expectAttached('mine', true, output);
    const table = await deployed.kubectl('get', 'attachments');
    expect(table).toMatch(/^NAME +DELEGATION +PLUGIN +USER +ATTACHED +TAKEN +MATCHED +REASON +AGE$/m);
    await vi.waitFor(() => expect(output()).toMatch(/^mine +yes +SQLite \S+ +True/m), waitOptions);
    child.kill('SIGINT');
    await exit;
    expect(output()).toContain('handed back');
    await expectAttached('mine', false);
    expect((await deployed.table('other')).status?.plugin).toEqual(other.status?.plugin);
  });

  step('keeps them when another replica leads', async () => {
    const { child, exit, output } = attach(kubeconfig, '--selector', 'owner=me', '--lease', '60s');
    await expectAttached('mine', true, output);
    const { metadata } = await deployed.leader();
    await deployed.kubectl('delete', 'pod', metadata.name, '--wait=false');
    await vi.waitFor(async () => expect((await deployed.leader()).metadata.uid).not.toBe(metadata.uid), waitOptions);
    // A pass of the new leader.
    const generation = await deployed.addColumn('mine', 'later');
    await vi.waitFor(async () => {
      const { status } = await deployed.table('mine');
      expect(status?.observedGeneration).toBe(generation);
      expect(status?.plugin?.version, output()).toContain('+attached.');
    }, waitOptions);
    child.kill('SIGINT');
    await exit;
    await expectAttached('mine', false);
  });

  step('hands them back after the lease when the process is killed, and leaves nothing', async () => {
    const { child, output } = attach(kubeconfig, '--selector', 'owner=me', '--lease', '5s');
    await expectAttached('mine', true, output);
    child.kill('SIGKILL');
    const killedAt = performance.now();
    await expectAttached('mine', false);
    console.log(
      `handed back ${((performance.now() - killedAt) / 1_000).toFixed(1)} s after SIGKILL, with a lease of 5 s`,
    );
    await vi.waitFor(async () => {
      expect(await deployed.get('attachments')).toMatchObject({ items: [] });
    }, waitOptions);
  });
});
