import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller } from '@kplug/controller';
import { type DirectoryResources, openDirectory } from '@kplug/controller/directory';
import { definePlugin } from '@kplug/sdk';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const apiVersion = 'myorg.org/v1';
const tables = { apiVersion, kind: 'Table' };
const waiting = { timeout: 20_000, interval: 20 };

/** Directory whose content is swapped as that of a ConfigMap's volume: `NAME.yaml` → `..data/NAME.yaml`, `..data` → `..TIME`. */
class Volume {
  readonly path: string;
  #count = 0;

  constructor(path: string) {
    this.path = path;
  }

  async swap(...names: string[]): Promise<void> {
    const version = `..version-${++this.#count}`;
    await mkdir(join(this.path, version), { recursive: true });
    for (const name of names) {
      const manifest = `apiVersion: ${apiVersion}\nkind: Table\nmetadata: { name: ${name} }\nspec: { version: ${this.#count} }\n`;
      await writeFile(join(this.path, version, `${name}.yaml`), manifest);
      await symlink(`..data/${name}.yaml`, join(this.path, `${name}.yaml`)).catch(() => undefined);
    }
    await symlink(version, join(this.path, '..data_new'));
    await rename(join(this.path, '..data_new'), join(this.path, '..data'));
    for (const file of await readdir(this.path)) {
      if (file.endsWith('.yaml') && !names.includes(file.slice(0, -5))) await rm(join(this.path, file));
    }
  }
}

/** Operator on a directory, with a plugin that records which resources it finalizes. */
async function start(directory: string, stateDir: string, finalized: string[]) {
  const logger = pino({ level: 'silent' });
  const resources = await openDirectory({ directory, stateDir, logger });
  const controller = new Controller({
    resources,
    delegations: [{ name: 'tables', base: tables, api: 'Table@^1.0.0' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: false,
    logger,
  });
  await controller.start();
  const plugin = await definePlugin({
    name: 'PostgreSQL',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: ({ base }) => ({ status: { version: (base as unknown as { spec: { version: number } }).spec.version } }),
    finalize: ({ base }) => void finalized.push(base.metadata.name),
  }).serve({ controller: controller.heartbeatAddress, logLevel: 'silent', handleSignals: false });
  const stop = async () => {
    await plugin.stop();
    await controller.stop();
  };
  onTestFinished(stop);
  return { resources, stop };
}

async function expectReady(resources: DirectoryResources, version: number, ...names: string[]): Promise<void> {
  await vi.waitFor(() => {
    const found = resources.list(tables).map(({ metadata, status }) => [metadata.name, status?.version]);
    expect(found.sort()).toEqual(names.sort().map((name) => [name, version]));
  }, waiting);
}

async function makeFolder(): Promise<{ manifests: string; stateDir: string; root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'kplug-volume-'));
  onTestFinished(() => rm(root, { recursive: true }));
  return { root, manifests: join(root, 'manifests'), stateDir: join(root, 'states') };
}

describe('resources in a directory whose content is swapped', () => {
  it('are finalized when they are gone from it, while the operator runs and while it is down', async () => {
    const { manifests, stateDir } = await makeFolder();
    const volume = new Volume(manifests);
    await volume.swap('users', 'orders', 'items');
    const finalized: string[] = [];
    const first = await start(manifests, stateDir, finalized);
    await expectReady(first.resources, 1, 'users', 'orders', 'items');
    const { uid } = first.resources.list(tables).find(({ metadata }) => metadata.name === 'users')?.metadata ?? {};

    await volume.swap('users', 'orders');
    await expectReady(first.resources, 2, 'users', 'orders');
    expect(finalized).toEqual(['items']);
    await first.stop();

    await volume.swap('users');
    const second = await start(manifests, stateDir, finalized);
    await expectReady(second.resources, 3, 'users');
    expect(finalized).toEqual(['items', 'orders']);
    expect(second.resources.list(tables)[0]?.metadata.uid).toBe(uid);
  }, 60_000);

  it('are finalized when a link gets another target that lacks them, as with git-sync', async () => {
    const { root, manifests, stateDir } = await makeFolder();
    const commit = async (version: number, ...names: string[]) => {
      await mkdir(join(root, `commit-${version}`));
      for (const name of names) {
        const manifest = `apiVersion: ${apiVersion}\nkind: Table\nmetadata: { name: ${name} }\nspec: { version: ${version} }\n`;
        await writeFile(join(root, `commit-${version}`, `${name}.yaml`), manifest);
      }
      await symlink(`commit-${version}`, join(root, 'new'));
      await rename(join(root, 'new'), manifests);
      if (version > 1) await rm(join(root, `commit-${version - 1}`), { recursive: true });
    };
    await commit(1, 'users', 'orders', 'items');
    const finalized: string[] = [];
    const first = await start(manifests, stateDir, finalized);
    await expectReady(first.resources, 1, 'users', 'orders', 'items');
    await commit(2, 'users', 'orders');
    await expectReady(first.resources, 2, 'users', 'orders');
    await first.stop();
    await commit(3, 'users');
    const second = await start(manifests, stateDir, finalized);
    await expectReady(second.resources, 3, 'users');
    expect(finalized).toEqual(['items', 'orders']);
  }, 60_000);
});
