import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDirectory } from './read-directory.ts';
import { documents, TestDirectory, table, tableKey, tables, waitFor } from './testing.ts';

const run = promisify(execFile);
const waitOptions = { timeout: 10_000 };

describe('a state directory', () => {
  let directory: TestDirectory;
  let stateDir: string;

  beforeEach(async () => {
    directory = await TestDirectory.make();
    stateDir = join(directory.path, '../states/of/tables');
    await directory.write('a.yaml', documents(table('users'), table('orders')));
  });

  afterEach(() => directory[Symbol.asyncDispose]());

  it('is made, and has all that an operator stores', async () => {
    let resources = await directory.open({ stateDir });
    const before = await waitFor(resources, 'users');
    const options = { uid: before.metadata.uid, fieldManager: 'kplug/tables' };
    await resources.applyStatus(tableKey('users'), { rows: 1 }, options);
    const written = resources.get(tableKey('users'));
    expect((await readDirectory(directory.path, { stateDir })).resources).toContainEqual(written);
    await expect(directory.open({ stateDir })).rejects.toThrow('is in use by another operator');
    await resources.close();
    expect(await readdir(directory.path)).toEqual(['a.yaml']);
    expect((await readdir(stateDir)).sort()).toEqual(['.gitignore', 'directory.json', 'states.jsonl']);
    resources = await directory.open({ stateDir });
    expect(resources.get(tableKey('users'))).toEqual(written);
  });

  it('belongs to one directory of manifests', async () => {
    await (await directory.open({ stateDir })).close();
    const other = join(directory.path, '../other');
    await mkdir(other);
    await expect(directory.open({ directory: other, stateDir })).rejects.toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message:
          `The state directory ${stateDir} belongs to the directory of manifests ${directory.path}, not to ${other}. Use another ` +
          `state directory (--state-dir, or stateDir in code). If the manifests were moved, delete ${join(stateDir, 'directory.json')}.`,
      }),
    );
    await expect(readDirectory(other, { stateDir })).rejects.toThrow('belongs to the directory of manifests');
    const link = join(directory.path, '../link');
    await symlink(directory.path, link);
    await (await directory.open({ directory: link, stateDir })).close();
    await writeFile(join(stateDir, 'directory.json'), '{');
    await expect(directory.open({ stateDir })).rejects.toThrow("directory.json doesn't name a directory of manifests");
  });

  it('is not one whose files would count as manifests', async () => {
    for (const inside of [directory.path, join(directory.path, 'states')]) {
      await expect(directory.open({ stateDir: inside })).rejects.toThrow('its files would count as manifests');
    }
    await (await directory.open({ stateDir: join(directory.path, '.states') })).close();
    await (await directory.open({ stateDir: join(directory.path, '..', '..states') })).close();
    await rm(join(directory.path, '..', '..states'), { recursive: true });
  });

  it('that cannot be written is named, and the flag for it', async () => {
    const file = join(directory.path, '../file');
    await writeFile(file, '');
    await expect(directory.open({ stateDir: join(file, 'states') })).rejects.toThrow(
      /The state directory .*file\/states can't be written \(ENOTDIR.*--state-dir/,
    );
    await writeFile(join(directory.path, '.kplug'), '');
    await expect(directory.open()).rejects.toThrow(
      /The directory of manifests .* can't be written \(.*give another folder for them with --state-dir \(stateDir in code\)\./,
    );
  });

  it('makes a directory of manifests usable that is read-only', async () => {
    const restore = await makeReadOnly(directory.path);
    try {
      await expect(directory.open()).rejects.toThrow('--state-dir');
      await (await directory.open({ stateDir })).close();
    } finally {
      await restore();
    }
  });

  it('that is new takes the states from the default folder', async () => {
    let resources = await directory.open();
    const before = await waitFor(resources, 'users');
    await expect(directory.open({ stateDir })).rejects.toThrow(
      `is in use by another operator without a state directory, process ${process.pid}`,
    );
    await resources.close();
    resources = await directory.open({ stateDir });
    expect(resources.get(tableKey('users'))).toEqual(before);
    expect(directory.log.map(({ msg }) => msg)).toEqual([
      `The states in ${directory.states} were copied to the state directory. That folder is no longer used.`,
    ]);
    await resources.close();
    await rm(directory.states, { recursive: true });
    resources = await directory.open({ stateDir });
    expect(resources.get(tableKey('users'))).toEqual(before);
    expect(directory.log).toHaveLength(1);
  });

  it('is made again when it is removed', async () => {
    const resources = await directory.open({ stateDir });
    await waitFor(resources, 'users');
    await rm(stateDir, { recursive: true });
    await vi.waitFor(() => expect(directory.log.at(-1)?.msg).toContain(`The folder ${stateDir} was removed`), {
      timeout: 15_000,
    });
    await vi.waitFor(async () => {
      expect((await readdir(stateDir)).sort()).toEqual(['.gitignore', 'directory.json', 'lock', 'states.jsonl']);
    }, waitOptions);
    expect(await readFile(join(stateDir, 'states.jsonl'), 'utf8')).toContain('"name":"users"');
  }, 30_000);

  it('keeps the states when a link to the directory of manifests gets another target', async () => {
    const link = join(directory.path, '../current');
    await symlink('tables', link);
    const resources = await directory.open({ directory: link, stateDir });
    const before = await waitFor(resources, 'users');
    await waitFor(resources, 'orders');
    await mkdir(join(directory.path, '../next'));
    await writeFile(join(directory.path, '../next/a.yaml'), documents(table('users', 2), table('items')));
    await symlink('next', `${link}.new`);
    await rename(`${link}.new`, link);
    const after = await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    expect(after.metadata).toMatchObject({ uid: before.metadata.uid, generation: 2 });
    await vi.waitFor(() => {
      const names = resources.list(tables).map(({ metadata }) => metadata.name);
      expect(names.sort()).toEqual(['items', 'users']);
    }, waitOptions);
    // Changes in the new target are reported by the system.
    await writeFile(join(directory.path, '../next/b.yaml'), table('added'));
    await waitFor(resources, 'added');
    // An empty directory is what an unmounted volume looks like.
    await mkdir(join(directory.path, '../empty'));
    await symlink('empty', `${link}.new`);
    await rename(`${link}.new`, link);
    await vi.waitFor(() => expect(resources.problems()[0]?.message).toContain('replaced by an empty one'), waitOptions);
    expect(resources.list(tables)).toHaveLength(3);
  }, 30_000);
});

/** Makes a directory read-only, for root by a mount. Returns a function that undoes it. */
async function makeReadOnly(path: string): Promise<() => Promise<unknown>> {
  if (process.getuid?.() !== 0) {
    await chmod(path, 0o555);
    return () => chmod(path, 0o755);
  }
  await run('mount', ['--bind', path, path]);
  await run('mount', ['-o', 'remount,bind,ro', path]);
  return () => run('umount', [path]);
}
