import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DirectoryResources } from './directory-resources.ts';
import { confirmDeletions, readDirectory } from './read-directory.ts';
import { documents, onlyProblem, TestDirectory, table, tableKey, tables } from './testing.ts';

const waitOptions = { timeout: 20_000 };

const names = Array.from({ length: 12 }, (_, index) => `t${String(index).padStart(2, '0')}`);

describe('the deletion of most resources of a directory', () => {
  let directory: TestDirectory;
  let resources: DirectoryResources;

  beforeEach(async () => {
    directory = await TestDirectory.make();
    for (const name of names) await directory.write(`${name}.yaml`, table(name));
    resources = await directory.open();
  });

  afterEach(() => directory[Symbol.asyncDispose]());

  function existing(): string[] {
    return resources
      .list(tables)
      .map(({ metadata }) => metadata.name)
      .sort();
  }

  async function removeFiles(some: readonly string[]): Promise<void> {
    await Promise.all(some.map((name) => directory.remove(`${name}.yaml`)));
  }

  async function held(): Promise<void> {
    await vi.waitFor(
      async () => expect(await readdir(join(directory.path, '.kplug'))).toContain('held-deletions.json'),
      waitOptions,
    );
    expect(await onlyProblem(resources)).toMatchObject({ message: expect.stringContaining('Their deletion is held') });
  }

  it('is held, shown, and made once it is confirmed', async () => {
    await removeFiles(names.slice(0, 7));
    await held();
    expect(existing()).toEqual(names);
    const view = await readDirectory(directory.path);
    expect(view.isHeld).toBe(true);
    expect(view.deletions.map(({ source }) => source).sort()).toEqual(names.slice(0, 7).map((name) => `${name}.yaml`));
    expect(view.resources).toHaveLength(12);
    expect(view.problems).toEqual(resources.problems());
    await confirmDeletions(directory.path, view.deletions);
    await vi.waitFor(() => expect(existing()).toEqual(names.slice(7)), waitOptions);
    await vi.waitFor(() => expect(resources.problems()).toEqual([]), waitOptions);
    expect((await readdir(join(directory.path, '.kplug'))).filter((file) => file.endsWith('.json'))).toEqual([]);
  });

  it('is held when one file had them all', async () => {
    await directory.write('all.yaml', documents(...names.map((name) => table(`all-${name}`))));
    await vi.waitFor(() => expect(existing()).toHaveLength(24), waitOptions);
    await removeFiles(names.slice(0, 1));
    await directory.replace('all.yaml', table('added'));
    await held();
    expect(existing()).toHaveLength(25);
  });

  it('is not made by a confirmation of other deletions', async () => {
    await removeFiles(names.slice(0, 7));
    await held();
    const { deletions } = await readDirectory(directory.path);
    await removeFiles(names.slice(7, 8));
    await vi.waitFor(() => expect(resources.problems()[0]?.message).toContain('8 of 12'), waitOptions);
    await confirmDeletions(directory.path, deletions);
    await vi.waitFor(
      () => expect(directory.log.at(-1)?.msg).toContain('have changed since they were confirmed'),
      waitOptions,
    );
    expect(existing()).toEqual(names);
  });

  it('ends without a deletion when the files are restored', async () => {
    const uid = resources.get(tableKey('t00'))?.metadata.uid;
    await Promise.all(
      names.map((name) => rename(join(directory.path, `${name}.yaml`), join(directory.path, `.${name}.away`))),
    );
    await held();
    await Promise.all(
      names.map((name) => rename(join(directory.path, `.${name}.away`), join(directory.path, `${name}.yaml`))),
    );
    await vi.waitFor(() => expect(resources.problems()).toEqual([]), waitOptions);
    expect(existing()).toEqual(names);
    expect(resources.get(tableKey('t00'))?.metadata.uid).toBe(uid);
    expect(await readDirectory(directory.path)).toMatchObject({ isHeld: false, deletions: [] });
  });

  it('is held when the files were removed while no operator ran, across restarts, until it is confirmed', async () => {
    await resources.close();
    await removeFiles(names.slice(0, 7));
    expect(await readDirectory(directory.path)).toMatchObject({
      isHeld: true,
      deletions: expect.objectContaining({ length: 7 }),
    });
    resources = await directory.open();
    await held();
    await resources.close();
    // Few enough now, but held before.
    for (const name of names.slice(0, 5)) await directory.write(`${name}.yaml`, table(name));
    const { isHeld, deletions } = await readDirectory(directory.path);
    expect([isHeld, deletions.length]).toEqual([true, 2]);
    resources = await directory.open();
    await held();
    expect(existing()).toEqual(names);
    await resources.close();
    await confirmDeletions(directory.path, deletions);
    resources = await directory.open();
    await vi.waitFor(() => expect(existing()).toHaveLength(10), waitOptions);
    expect(resources.problems()).toEqual([]);
  });

  it.each([
    ['more of them', { maxDeletions: 100 }, 12, 0],
    ['larger directories', { maxDeletionsThreshold: 13 }, 12, 0],
    ['fewer of them', { maxDeletions: 20 }, 3, 12],
  ])('can be limited to %s', async (_, options, removed, left) => {
    await resources.close();
    resources = await directory.open(options);
    await removeFiles(names.slice(0, removed));
    if (left === 12) await held();
    await vi.waitFor(() => expect(existing()).toHaveLength(left), waitOptions);
  });

  it('is no mass deletion of a few, or when the resources move', async () => {
    await directory.write('all.yaml', documents(...names.map((name) => table(name, 2))));
    await removeFiles(names);
    await vi.waitFor(() => expect(resources.get(tableKey('t11'))?.spec).toEqual({ columns: 2 }), waitOptions);
    await directory.write('all.yaml', documents(...names.slice(0, 6).map((name) => table(name, 2))));
    await vi.waitFor(() => expect(existing()).toEqual(names.slice(0, 6)), waitOptions);
    expect(resources.problems()).toEqual([]);
  });
});
