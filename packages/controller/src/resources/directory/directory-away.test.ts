import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ResourceChange } from '../port.ts';
import type { DirectoryResources } from './directory-resources.ts';
import { journalOf } from './state-journal.ts';
import { documents, onlyProblem, TestDirectory, table, tableKey, tables, waitFor } from './testing.ts';

const waitOptions = { timeout: 10_000 };

describe('a directory that disappears', () => {
  let directory: TestDirectory;
  let resources: DirectoryResources;
  let changes: ResourceChange[];

  beforeEach(async () => {
    directory = await TestDirectory.make();
    await directory.write('a.yaml', documents(table('users'), table('orders')));
    resources = await directory.open();
    changes = [];
    await resources.follow(tables, (change) => changes.push(change));
    for (const name of ['users', 'orders']) await vi.waitFor(() => directory.stateOf(name), waitOptions);
  });

  afterEach(() => directory[Symbol.asyncDispose]());

  function names(): string[] {
    return resources
      .list(tables)
      .map(({ metadata }) => metadata.name)
      .sort();
  }

  async function solved(): Promise<void> {
    await vi.waitFor(() => expect(resources.problems()).toEqual([]), waitOptions);
  }

  it('keeps everything while the directory is missing, and follows it again when it is back', async () => {
    const { metadata } = await waitFor(resources, 'users');
    const elsewhere = join(directory.path, '../elsewhere');
    await rename(directory.path, elsewhere);
    expect(await onlyProblem(resources)).toMatchObject({
      file: directory.path,
      message: expect.stringContaining('is gone'),
    });
    const options = { uid: metadata.uid, fieldManager: 'kplug/tables' };
    await expect(resources.applyStatus(tableKey('users'), { rows: 1 }, options)).rejects.toThrow(
      expect.objectContaining({ code: 'StorageFailed' }),
    );
    expect(names()).toEqual(['orders', 'users']);
    await rename(elsewhere, directory.path);
    await solved();
    await expect(resources.applyStatus(tableKey('users'), { rows: 1 }, options)).resolves.toBe('unchanged');
    expect(await directory.stateOf('users')).toMatchObject({ resource: { status: { rows: 1 } } });
    await directory.write('a.yaml', table('users', 2));
    await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await vi.waitFor(() => expect(names()).toEqual(['users']), waitOptions);
  });

  it('takes the lock of another directory in its place, but not of an empty one', async () => {
    const { metadata } = await waitFor(resources, 'users');
    await rm(directory.path, { recursive: true });
    await mkdir(directory.path);
    await vi.waitFor(
      async () => expect(await onlyProblem(resources)).toMatchObject({ message: expect.stringContaining('empty') }),
      waitOptions,
    );
    expect(names()).toEqual(['orders', 'users']);
    await directory.write('b.yaml', documents(table('users', 2), table('orders')));
    const after = await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    expect(after.metadata).toMatchObject({ uid: metadata.uid, generation: 2 });
    await solved();
    await vi.waitFor(async () => {
      expect(await directory.stateOf('users')).toMatchObject({
        source: 'b.yaml',
        resource: { metadata: { uid: metadata.uid } },
      });
    }, waitOptions);
    expect(changes.filter(({ gone }) => gone)).toEqual([]);
    await expect(directory.open()).rejects.toThrow(`process ${process.pid}`);
  });

  it('writes its states again when its folder is removed', async () => {
    await directory.remove('.kplug');
    await directory.write('a.yaml', documents(table('users'), table('orders', 2)));
    await waitFor(resources, 'orders', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await vi.waitFor(() => directory.stateOf('users'), waitOptions);
    expect(changes.filter(({ gone }) => gone)).toEqual([]);
  });

  it('reports failed writes of states, and retries them', async () => {
    const journal = journalOf(directory.states);
    await rm(journal);
    await mkdir(journal);
    await directory.write('a.yaml', table('users', 2));
    await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await directory.write('b.yaml', table('items'));
    await vi.waitFor(() => {
      expect(resources.problems().map(({ message }) => message)).toContainEqual(
        expect.stringContaining(`States can't be written to ${journal}: EISDIR`),
      );
    }, waitOptions);
    await rm(journal, { recursive: true });
    await directory.write('b.yaml', table('items', 2));
    await vi.waitFor(async () => {
      expect(await directory.stateOf('users')).toMatchObject({ resource: { spec: { columns: 2 } } });
    }, waitOptions);
  });
});
