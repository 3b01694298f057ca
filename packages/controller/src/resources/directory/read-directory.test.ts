import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDirectory } from './read-directory.ts';
import { journalOf } from './state-journal.ts';
import { documents, TestDirectory, table, tableKey, waitFor } from './testing.ts';

describe('readDirectory', () => {
  let directory: TestDirectory;

  beforeEach(async () => {
    directory = await TestDirectory.make();
  });

  afterEach(() => directory[Symbol.asyncDispose]());

  it('agrees with the operator that follows the directory', async () => {
    await directory.write('a.yaml', documents(table('users'), table('orders')));
    const resources = await directory.open();
    const before = await waitFor(resources, 'users');
    const options = { uid: before.metadata.uid, fieldManager: 'kplug/tables' };
    await resources.applyStatus(tableKey('users'), { rows: 1 }, options);
    await resources.applyStatus(tableKey('users'), { columns: 1 }, { ...options, fieldManager: 'kplug/other' });
    const view = await readDirectory(directory.path);
    expect(view.problems).toEqual([]);
    expect(view.resources.map(({ metadata }) => metadata.name).sort()).toEqual(['orders', 'users']);
    expect(view.resources.find(({ metadata }) => metadata.name === 'users')).toEqual(resources.get(tableKey('users')));
  });

  it('agrees with an operator that would start, and writes nothing', async () => {
    await directory.write('a.yaml', documents(table('users'), table('orders'), table('items')));
    const resources = await directory.open();
    const users = await waitFor(resources, 'users');
    const orders = await waitFor(resources, 'orders');
    await resources.applyStatus(tableKey('users'), { rows: 1 }, { uid: users.metadata.uid, fieldManager: 'kplug/a' });
    await resources.addFinalizer(tableKey('orders'), 'kplug.dev/a', {
      uid: orders.metadata.uid,
      fieldManager: 'kplug/a',
    });
    await resources.close();
    await directory.write('a.yaml', table('users', 2));
    await directory.write('b.yaml', table('added'));
    await directory.write('broken.yaml', 'kind: [');
    const journal = journalOf(directory.states);
    const content = await readFile(journal, 'utf8');
    await writeFile(journal, content.replaceAll('"name":"items"', '"name":"itemz"'));
    const before = await snapshot();

    const view = await readDirectory(directory.path);
    expect(
      view.resources
        .map(({ metadata: { name, generation, deletionTimestamp }, spec, status }) => [
          ...[name, generation, deletionTimestamp !== undefined, spec?.columns, status],
        ])
        .sort(),
    ).toEqual([
      ['added', 1, false, 1, undefined],
      ['orders', 1, true, 1, undefined],
      ['users', 2, false, 2, { rows: 1 }],
    ]);
    expect(view.problems.map(({ file }) => file)).toEqual([journal, join(directory.path, 'broken.yaml')]);
    expect(await snapshot()).toEqual(before);
  });

  it('reads a directory that no operator has followed', async () => {
    await directory.write('a.yaml', table('users'));
    const { resources } = await readDirectory(directory.path);
    expect(resources.map(({ metadata }) => metadata.name)).toEqual(['users']);
    expect(await readdir(directory.path)).toEqual(['a.yaml']);
    await expect(readDirectory(join(directory.path, 'nowhere'))).rejects.toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration' }),
    );
  });

  async function snapshot(): Promise<unknown[]> {
    const files = (await readdir(directory.path, { recursive: true })).sort();
    return Promise.all(
      files.map(async (file) => {
        const path = join(directory.path, file);
        const stats = await stat(path);
        return [file, stats.mtimeMs, stats.isFile() ? await readFile(path, 'utf8') : undefined];
      }),
    );
  }
});
