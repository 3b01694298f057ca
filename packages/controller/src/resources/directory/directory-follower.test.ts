import { writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ManifestProblem } from '../manifest.ts';
import type { ResourceChange } from '../port.ts';
import type { DirectoryResources } from './directory-resources.ts';
import { documents, onlyProblem, TestDirectory, table, tableKey, tables, waitFor } from './testing.ts';

const waitOptions = { timeout: 10_000 };

describe('a directory that is followed', () => {
  let directory: TestDirectory;
  let resources: DirectoryResources;
  let changes: ResourceChange[];
  let told: [string, ManifestProblem][];

  beforeEach(async () => {
    directory = await TestDirectory.make();
    await directory.write('a.yaml', documents(table('users'), table('orders')));
    told = [];
    resources = await directory.open({ onProblem: (problem, state) => told.push([state, problem]) });
    changes = [];
    await resources.follow(tables, (change) => changes.push(change));
    changes.length = 0;
  });

  afterEach(() => directory[Symbol.asyncDispose]());

  function names(): string[] {
    return resources
      .list(tables)
      .map(({ metadata }) => metadata.name)
      .sort();
  }

  function history(): string[] {
    return changes.map(
      ({ resource, gone }) => `${resource.metadata.name} ${gone ? 'gone' : resource.metadata.generation}`,
    );
  }

  async function solved(): Promise<void> {
    await vi.waitFor(() => expect(resources.problems()).toEqual([]), waitOptions);
  }

  it('follows files that are edited, added, moved and removed, in sub-folders too', async () => {
    await directory.write('a.yaml', documents(table('users', 2), table('orders')));
    await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await directory.write('shop/deep/b.yaml', table('items'));
    await waitFor(resources, 'items');
    await directory.write('shop/deep/b.yaml', table('items', 2));
    await waitFor(resources, 'items', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await directory.write('a.yaml', table('users', 2));
    await vi.waitFor(() => expect(names()).toEqual(['items', 'users']), waitOptions);
    await directory.remove('shop');
    await vi.waitFor(() => expect(names()).toEqual(['users']), waitOptions);
    expect(history()).toEqual(['users 2', 'items 1', 'items 2', 'orders gone', 'items gone']);
    expect(told).toEqual([]);
  });

  it('follows a file that is saved by renaming another one', async () => {
    for (const columns of [2, 3, 4]) {
      await directory.replace('a.yaml', documents(table('users', columns), table('orders')));
      await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns }));
    }
    await rename(join(directory.path, 'a.yaml'), join(directory.path, 'a.yaml~'));
    await directory.write('a.yaml', documents(table('users', 5), table('orders')));
    await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 5 }));
    expect(history()).toEqual(['users 2', 'users 3', 'users 4', 'users 5']);
  });

  it('ignores a file that is empty or truncated for a moment', async () => {
    const whole = documents(table('users', 2), table('orders', 2));
    await directory.write('a.yaml', '');
    await directory.write('a.yaml', whole.slice(0, table('users', 2).length + 10));
    await directory.write('a.yaml', whole);
    await waitFor(resources, 'orders', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    expect(history()).toEqual(['users 2', 'orders 2']);
    await directory.write('a.yaml', '');
    expect(await onlyProblem(resources)).toMatchObject({
      message: expect.stringContaining('no longer has any resource'),
    });
    expect(names()).toEqual(['orders', 'users']);
    await directory.remove('a.yaml');
    await vi.waitFor(() => expect(names()).toEqual([]), waitOptions);
  });

  it('keeps a resource that moves to another file', async () => {
    const before = await waitFor(resources, 'orders');
    // Immediately, as a longer delay would rightly be reported.
    writeFileSync(join(directory.path, 'b.yaml'), table('orders'));
    writeFileSync(join(directory.path, 'a.yaml'), table('users', 2));
    await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    await directory.write('b.yaml', table('orders', 2));
    const after = await waitFor(resources, 'orders', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    expect(after.metadata).toMatchObject({ uid: before.metadata.uid, generation: 2 });
    await rename(join(directory.path, 'b.yaml'), join(directory.path, 'c.yaml'));
    await directory.write('c.yaml', table('orders', 3));
    await waitFor(resources, 'orders', ({ spec }) => expect(spec).toEqual({ columns: 3 }));
    expect(changes.filter(({ gone }) => gone)).toEqual([]);
    expect(told).toEqual([]);
  });

  it.each([
    ['is not YAML', 'spec: [1,\nb: 2\n', 16],
    ['has a document without a name', 'apiVersion: example.org/v1\nkind: Table\nmetadata: {}\n', 17],
    ['has a key that could change a prototype', `${table('items')}  __proto__: {polluted: true}\n`, 21],
    ['holds an alias bomb', `${table('items')}  a: &a [x]\n  b: [${'*a, '.repeat(60)}]\n`, 22],
  ])('keeps the last good state of a file that %s, and reports its line', async (_, broken, line) => {
    await directory.write('b.yaml', table('items'));
    await waitFor(resources, 'items');
    await directory.write('a.yaml', documents(table('users', 2), table('added'), broken));
    const found = await onlyProblem(resources);
    expect(found).toMatchObject({ file: join(directory.path, 'a.yaml'), line, column: expect.any(Number) });
    await directory.write('b.yaml', table('items', 2));
    await waitFor(resources, 'items', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    expect(names()).toEqual(['items', 'orders', 'users']);
    expect(resources.get(tableKey('users'))?.spec).toEqual({ columns: 1 });
    expect(told).toEqual([['found', found]]);
    expect(directory.log).toEqual([
      expect.objectContaining({ level: 50, msg: expect.stringContaining(`a.yaml:${line}:`) }),
    ]);

    await directory.write('a.yaml', documents(table('users', 2)));
    await vi.waitFor(() => expect(names()).toEqual(['items', 'users']), waitOptions);
    await solved();
    expect(told).toEqual([
      ['found', found],
      ['solved', found],
    ]);
  });

  it('keeps resources that moved into an invalid file', async () => {
    await directory.write('b.yaml', documents(table('orders'), 'kind: Table\n'));
    await onlyProblem(resources);
    await directory.write('a.yaml', table('users', 2));
    await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    expect(names()).toEqual(['orders', 'users']);
    await directory.write('b.yaml', table('orders', 2));
    await waitFor(resources, 'orders', ({ metadata }) => expect(metadata.generation).toBe(2));
    expect(changes.filter(({ gone }) => gone)).toEqual([]);
  });

  it('keeps the first of two definitions, reports the second, and changes to it without a deletion', async () => {
    const before = await waitFor(resources, 'users');
    await directory.write('b.yaml', documents(table('items'), table('users', 5)));
    await waitFor(resources, 'items');
    expect(await onlyProblem(resources)).toMatchObject({
      file: join(directory.path, 'b.yaml'),
      line: 8,
      message:
        'Table default/users is already defined in a.yaml on line 1, which takes precedence. Remove one of the two.',
    });
    await directory.write('0.yaml', table('users', 6));
    await vi.waitFor(() => expect(resources.problems()).toHaveLength(2), waitOptions);
    expect(resources.get(tableKey('users'))).toBe(before);
    await directory.remove('0.yaml');
    await directory.write('a.yaml', table('orders'));
    const after = await waitFor(resources, 'users', ({ spec }) => expect(spec).toEqual({ columns: 5 }));
    expect(after.metadata.uid).toBe(before.metadata.uid);
    await solved();
  });

  it('keeps the first of two definitions in one file, and deletes nothing of that file meanwhile', async () => {
    await directory.write('a.yaml', documents(table('users'), table('users', 2), table('added')));
    expect(await onlyProblem(resources)).toMatchObject({ file: join(directory.path, 'a.yaml'), line: 8 });
    expect(names()).toEqual(['added', 'orders', 'users']);
    expect(resources.get(tableKey('users'))?.spec).toEqual({ columns: 1 });
  });

  it('creates a resource again that is restored while it is being deleted', async () => {
    const { metadata } = await waitFor(resources, 'users');
    const options = { uid: metadata.uid, fieldManager: 'kplug/tables' };
    await resources.addFinalizer(tableKey('users'), 'kplug.dev/a', options);
    await directory.write('a.yaml', table('orders'));
    await waitFor(resources, 'users', (resource) => expect(resource.metadata.deletionTimestamp).toBeDefined());
    await directory.write('a.yaml', documents(table('orders', 2), table('users', 7)));
    await waitFor(resources, 'orders', ({ spec }) => expect(spec).toEqual({ columns: 2 }));
    expect(resources.get(tableKey('users'))).toMatchObject({ metadata: { uid: metadata.uid }, spec: { columns: 1 } });
    await resources.removeFinalizer(tableKey('users'), 'kplug.dev/a', options);
    const anew = await waitFor(resources, 'users', (resource) => expect(resource.metadata.uid).not.toBe(metadata.uid));
    expect(anew).toMatchObject({ metadata: { generation: 1 }, spec: { columns: 7 } });
    expect(anew.metadata).not.toHaveProperty('deletionTimestamp');
  });
});
