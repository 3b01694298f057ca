import { readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatCheckedLine } from '../../files/checked-lines.ts';
import type { WriteOptions } from '../port.ts';
import { keyOf, type Resource } from '../resource.ts';
import { readDirectory } from './read-directory.ts';
import { readStates } from './read-states.ts';
import { statePathOf } from './state-file.ts';
import { journalOf } from './state-journal.ts';
import { documents, stateFile, TestDirectory, table, tableKey, tables, waitFor } from './testing.ts';

const finalizer = 'kplug.dev/delegation';
const users = tableKey('users');

function by({ metadata }: Resource, fieldManager = 'kplug/tables'): WriteOptions {
  return { uid: metadata.uid, fieldManager };
}

describe('openDirectory', () => {
  let directory: TestDirectory;

  beforeEach(async () => {
    directory = await TestDirectory.make();
  });

  afterEach(() => directory[Symbol.asyncDispose]());

  it('knows all resources of the files once it is open', async () => {
    await directory.write('b.yaml', documents(table('users'), table('orders')));
    await directory.write('shop/a.yml', table('items'));
    const resources = await directory.open();
    const names: string[] = [];
    await resources.follow(tables, ({ resource }) => names.push(resource.metadata.name));
    expect(names).toEqual(['users', 'orders', 'items']);
    expect(resources.problems()).toEqual([]);
    expect(await readFile(join(directory.path, 'b.yaml'), 'utf8')).toBe(documents(table('users'), table('orders')));
  });

  it('loads a thousand resources from one file', async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `table-${index}`);
    await directory.write('all.yaml', documents(...names.map((name) => table(name))));
    const resources = await directory.open();
    expect(resources.list(tables)).toHaveLength(1_000);
  });

  it.each([
    ['does not exist', 'nowhere', /nowhere doesn't exist/],
    ['is a file', 'file.yaml', /file\.yaml is not a directory/],
    ['cannot be written', 'taken', /taken can't be written/],
  ])('rejects a directory that %s', async (_, name, message) => {
    await directory.write('file.yaml', '');
    await directory.write('taken/.kplug', 'a file where the folder should be');
    const opening = directory.open({ directory: join(directory.path, name) });
    await expect(opening).rejects.toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration', message: expect.stringMatching(message) }),
    );
  });

  it('rejects a directory of another operator until that one is closed', async () => {
    const first = await directory.open();
    await expect(directory.open()).rejects.toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message: expect.stringContaining(`process ${process.pid}`),
      }),
    );
    await first.close();
    await directory.open();
  });

  it('keeps UID, generation and statuses across a restart', async () => {
    await directory.write('a.yaml', table('users', 1));
    let resources = await directory.open();
    await directory.write('a.yaml', table('users', 2));
    const before = await waitFor(resources, 'users', ({ metadata }) => expect(metadata.generation).toBe(2));
    await resources.applyStatus(users, { rows: 1, plugin: { name: 'a' } }, by(before));
    await resources.applyStatus(users, { plugin: { version: '1' } }, by(before, 'kplug/other'));
    const written = resources.get(users);
    await resources.close();

    resources = await directory.open();
    expect(resources.get(users)).toEqual(written);
    await expect(resources.applyStatus(users, { rows: 1, plugin: { name: 'a' } }, by(before))).resolves.toBe(
      'unchanged',
    );
    await resources.applyStatus(users, {}, by(before));
    expect(resources.get(users)?.status).toEqual({ plugin: { version: '1' } });
  });

  it('applies changes and deletions that were made while it was closed', async () => {
    await directory.write('a.yaml', documents(table('users'), table('orders')));
    await directory.write('b.yaml', table('items'));
    let resources = await directory.open();
    const before = await waitFor(resources, 'users');
    await resources.close();
    await directory.write('a.yaml', table('users', 2));
    await directory.remove('b.yaml');
    resources = await directory.open();
    expect(resources.list(tables).map(({ metadata }) => metadata.name)).toEqual(['users']);
    expect(resources.get(users)?.metadata).toMatchObject({ uid: before.metadata.uid, generation: 2 });
  });

  it('continues a deletion that waits for a finalizer', async () => {
    await directory.write('a.yaml', table('users'));
    let resources = await directory.open();
    const { metadata } = await waitFor(resources, 'users');
    const options = { uid: metadata.uid, fieldManager: 'kplug/tables' };
    await resources.addFinalizer(users, finalizer, options);
    await directory.remove('a.yaml');
    const deleting = await waitFor(resources, 'users', (resource) => {
      expect(resource.metadata.deletionTimestamp).toBeDefined();
    });
    await resources.close();

    resources = await directory.open();
    expect(resources.get(users)).toEqual(deleting);
    await expect(resources.removeFinalizer(users, finalizer, options)).resolves.toBe('written');
    expect(resources.get(users)).toBeUndefined();
    await resources.close();
    resources = await directory.open();
    expect(resources.list(tables)).toEqual([]);
  });

  it('deletes nothing of a file that became invalid while it was closed', async () => {
    await directory.write('a.yaml', documents(table('users'), table('orders')));
    let resources = await directory.open();
    await resources.close();
    await directory.write('a.yaml', `${documents(table('users', 2))}---\nkind: [\n`);
    resources = await directory.open();
    expect(
      resources
        .list(tables)
        .map(({ metadata, spec }) => [metadata.name, metadata.generation, spec])
        .sort(),
    ).toEqual([
      ['orders', 1, { columns: 1 }],
      ['users', 1, { columns: 1 }],
    ]);
    expect(resources.problems()).toEqual([expect.objectContaining({ file: join(directory.path, 'a.yaml'), line: 8 })]);
  });

  it('copies and reports a damaged journal, and keeps all other states', async () => {
    await directory.write('a.yaml', documents(table('users'), table('orders')));
    let resources = await directory.open();
    const [lost, kept] = [await waitFor(resources, 'users'), await waitFor(resources, 'orders')];
    await resources.close();
    const file = journalOf(directory.states);
    const content = await readFile(file, 'utf8');
    const damaged = content.replace('"name":"users"', '"name":"uzers"');
    await writeFile(file, damaged);
    await writeFile(`${file}.tmp`, content.slice(0, 10));

    resources = await directory.open();
    expect(resources.get(users)?.metadata.uid).not.toBe(lost.metadata.uid);
    expect(resources.get(tableKey('orders'))).toEqual(kept);
    expect(directory.log.filter(({ level }) => level >= 50).map(({ msg }) => msg)).toEqual([
      `${file}:2: the line is damaged. The file was copied to ${file}.corrupt; all other lines count.`,
    ]);
    await resources.close();
    expect((await readdir(directory.states)).sort()).toEqual(['.gitignore', 'states.jsonl', 'states.jsonl.corrupt']);
    expect(await readFile(`${file}.corrupt`, 'utf8')).toBe(damaged);
    resources = await directory.open();
    expect(resources.get(tableKey('orders'))).toEqual(kept);
    expect(directory.log.filter(({ level }) => level >= 50)).toHaveLength(1);
  });

  it('does not open a journal of a newer version', async () => {
    await (await directory.open()).close();
    const header = formatCheckedLine(JSON.stringify({ format: 'kplug-states', formatVersion: 3 }));
    await writeFile(journalOf(directory.states), header);
    await expect(directory.open()).rejects.toThrow(
      `${journalOf(directory.states)} has format version 3, and this version of Kplug reads 2`,
    );
    expect(await readFile(journalOf(directory.states), 'utf8')).toBe(header);
  });

  describe('with the state files of an earlier version', () => {
    const old = join('.kplug', statePathOf(users));

    /** Replaces the journal by the state files of an earlier version. */
    async function downgrade(): Promise<Resource[]> {
      await directory.write('a.yaml', documents(table('users'), table('orders')));
      const resources = await directory.open();
      const before = [await waitFor(resources, 'users'), await waitFor(resources, 'orders')];
      for (const resource of before) {
        await resources.applyStatus(keyOf(resource), { rows: 1, plugin: { name: 'a' } }, by(resource));
        await resources.applyStatus(keyOf(resource), { size: 2 }, by(resource, 'kplug/other'));
        await resources.addFinalizer(keyOf(resource), finalizer, by(resource));
      }
      const written = resources.list(tables);
      await resources.close();
      const { states } = await readStates(directory.states);
      await rm(journalOf(directory.states));
      for (const state of states) {
        await directory.write(join('.kplug', statePathOf(keyOf(state.resource))), stateFile(state));
      }
      return written;
    }

    it('reads them, and moves them into the journal', async () => {
      const written = await downgrade();
      expect((await readDirectory(directory.path)).resources).toEqual(expect.arrayContaining(written));
      let resources = await directory.open();
      expect(resources.list(tables)).toEqual(expect.arrayContaining(written));
      expect((await readdir(directory.states)).sort()).toEqual(['.gitignore', 'lock', 'states.jsonl']);
      await resources.close();
      resources = await directory.open();
      expect(resources.list(tables)).toEqual(expect.arrayContaining(written));
      await expect(resources.applyStatus(users, { size: 2 }, by(written[0] as Resource, 'kplug/other'))).resolves.toBe(
        'unchanged',
      );
      expect(directory.log).toEqual([]);
    });

    it('renames and reports an invalid one, and creates its resource again', async () => {
      const written = await downgrade();
      const content = await readFile(join(directory.path, old), 'utf8');
      await directory.write(old, content.slice(0, content.length / 2));
      await directory.write(`${old}.tmp`, content.slice(0, 10));
      const resources = await directory.open();
      const lost = written.find(({ metadata }) => metadata.name === 'users');
      expect(resources.get(users)?.metadata.uid).not.toBe(lost?.metadata.uid);
      expect(resources.get(tableKey('orders'))).toEqual(written.find(({ metadata }) => metadata.name === 'orders'));
      const file = join(directory.path, old);
      expect(directory.log.map(({ msg }) => msg)).toEqual([expect.stringContaining(`${file}: Not a state file`)]);
      expect(await readdir(join(file, '..'))).toEqual(['users.json.corrupt']);
    });

    it('takes the newer state of a resource that is in a file and in the journal', async () => {
      await downgrade();
      const files = await Promise.all(
        ['users', 'orders'].map((name) =>
          readFile(join(directory.path, '.kplug', statePathOf(tableKey(name))), 'utf8'),
        ),
      );
      const resources = await directory.open();
      const orders = await waitFor(resources, 'orders');
      await resources.applyStatus(keyOf(orders), { rows: 7 }, by(orders));
      await resources.close();
      // A crash before the files were removed, and one that an earlier version of Kplug wrote later.
      await directory.write(join('.kplug', statePathOf(tableKey('orders'))), files[1] ?? '');
      await directory.write(old, (files[0] ?? '').replaceAll('"rows": 1', '"rows": 9'));
      await utimes(join(directory.path, '.kplug', statePathOf(tableKey('orders'))), 1, 1);
      const after = new Date(Date.now() + 10_000);
      await utimes(join(directory.path, old), after, after);
      const again = await directory.open();
      expect(again.get(users)?.status).toMatchObject({ rows: 9 });
      expect(again.get(tableKey('orders'))?.status).toMatchObject({ rows: 7, size: 2 });
    });
  });

  it('remembers which file a resource moved to', async () => {
    await directory.write('a.yaml', table('users'));
    let resources = await directory.open();
    const { metadata } = await waitFor(resources, 'users');
    await rename(join(directory.path, 'a.yaml'), join(directory.path, 'b.yaml'));
    await vi.waitFor(async () => expect((await directory.stateOf('users')).source).toBe('b.yaml'), 10_000);
    await resources.close();
    await directory.write('a.yaml', table('users', 2));
    resources = await directory.open();
    expect(resources.get(users)).toMatchObject({
      metadata: { uid: metadata.uid, generation: 1 },
      spec: { columns: 1 },
    });
    expect(resources.problems().map(({ file }) => file)).toEqual([join(directory.path, 'a.yaml')]);
  });

  it('writes no state outside of its folder, for any name', async () => {
    await directory.write(
      'a.yaml',
      documents(
        table('"../../../escaped"'),
        table('users').replace('metadata:', 'metadata:\n  namespace: "../escaped"'),
        table('users').replace('kind: Table', 'kind: ../escaped'),
        table('users').replace('example.org/v1', '../escaped'),
      ),
    );
    await directory.write('b.yaml', table('"..%2f"'));
    const resources = await directory.open();
    expect(resources.list(tables)).toEqual([]);
    expect(resources.problems().map(({ line, message }) => [line, message])).toEqual([
      [4, expect.stringContaining('metadata.name is not')],
      [11, expect.stringContaining('metadata.namespace is not')],
      [17, expect.stringContaining('kind is not')],
      [23, expect.stringContaining('apiVersion is not')],
      [4, expect.stringContaining('metadata.name is not')],
    ]);
    await resources.close();
    expect((await readdir(join(directory.path, '.kplug'), { recursive: true })).sort()).toEqual(['.gitignore']);
    expect((await readdir(directory.path)).sort()).toEqual(['.kplug', 'a.yaml', 'b.yaml']);
  });
});
