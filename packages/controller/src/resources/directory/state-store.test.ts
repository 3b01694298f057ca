import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryResources } from '../memory/memory-resources.ts';
import type { StoredResource } from '../memory/persistence.ts';
import { readStates } from './read-states.ts';
import { statePathOf } from './state-file.ts';
import { StateStore } from './state-store.ts';
import { tableKey, tables } from './testing.ts';

describe('StateStore', () => {
  const key = tableKey('users');
  let folder: string;
  let store: StateStore;
  let writes: number;
  let failures: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kplug-states-'));
    writes = 0;
    failures = 0;
    const sourceOf = () => {
      writes += 1;
      return 'users.yaml';
    };
    const onFailure = () => {
      failures += 1;
    };
    store = new StateStore({ folder, sourceOf, onFailure });
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  function state(columns: number, name = 'users'): StoredResource {
    const resources = new MemoryResources();
    resources.apply({ ...tables, metadata: { name }, spec: { columns } });
    const stored = resources.stored(tableKey(name));
    if (!stored) throw new Error('Nothing is stored.');
    return stored;
  }

  async function columnsOnDisk(): Promise<unknown> {
    const content = JSON.parse(await readFile(join(folder, statePathOf(key)), 'utf8'));
    return content.resource.spec.columns;
  }

  it('fulfills a promise when a change is on disk, and has none when all are', async () => {
    expect(store.durable(key)).toBeUndefined();
    store.changed(key, state(1));
    await store.durable(key);
    expect(await columnsOnDisk()).toBe(1);
    expect(store.durable(key)).toBeUndefined();
    store.changed(key, undefined);
    await store.durable(key);
    await expect(columnsOnDisk()).rejects.toThrow('ENOENT');
  });

  it('writes only the latest change after a write in progress, and fulfills each promise when it or a later change is on disk', async () => {
    const seen: unknown[] = [];
    const answers: Promise<unknown>[] = [];
    for (let columns = 1; columns <= 100; columns += 1) {
      store.changed(key, state(columns));
      const done = store.durable(key) ?? Promise.reject(new Error('It is not safe yet.'));
      answers.push(done.then(async () => seen.push([columns, await columnsOnDisk()])));
    }
    await Promise.all(answers);
    expect(writes).toBe(2);
    expect(seen).toHaveLength(100);
    for (const [columns, onDisk] of seen as [number, number][]) expect(onDisk).toBeGreaterThanOrEqual(columns);
    expect(await columnsOnDisk()).toBe(100);
  });

  it('writes and reads many resources', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `table-${index}`);
    for (const name of names) store.changed(tableKey(name), state(1, name));
    await store.flush();
    const { states, corrupt, leftovers } = await readStates(folder);
    expect(states.map(({ resource }) => resource.metadata.name).sort()).toEqual(names.sort());
    expect([corrupt, leftovers]).toEqual([[], []]);
  });

  it('rejects and remembers failed writes, and retries them on request', async () => {
    await rm(folder, { recursive: true });
    store.changed(key, state(1));
    await expect(store.durable(key)).rejects.toThrow(expect.objectContaining({ code: 'StorageFailed' }));
    await expect(store.flush()).rejects.toThrow('The state of Table default/users');
    expect(store.failures()).toEqual([
      { file: join(folder, statePathOf(key)), message: expect.stringContaining('ENOENT') },
    ]);
    expect(failures).toBe(1);
    await mkdir(folder);
    await store.durable(key);
    expect(await columnsOnDisk()).toBe(1);
    expect(store.failures()).toEqual([]);
    await expect(store.flush()).resolves.toBeUndefined();
    expect(await readdir(folder)).toEqual(['resources']);
  });
});
