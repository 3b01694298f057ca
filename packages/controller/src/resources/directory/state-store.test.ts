import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryResources } from '../memory/memory-resources.ts';
import type { StoredResource } from '../memory/persistence.ts';
import type { ResourceKey } from '../resource.ts';
import { readStates } from './read-states.ts';
import { journalOf } from './state-journal.ts';
import { StateStore } from './state-store.ts';
import { tableKey, tables } from './testing.ts';

describe('StateStore', () => {
  const key = tableKey('users');
  let folder: string;
  let store: StateStore;
  let present: Map<ResourceKey, StoredResource>;
  let failures: number;
  let writes: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kplug-states-'));
    present = new Map();
    failures = 0;
    writes = 0;
    store = await open();
  });

  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(at = folder): Promise<StateStore> {
    const { journal } = await readStates(at);
    return new StateStore({
      folder: at,
      journal,
      all: () => present,
      sourceOf: () => 'users.yaml',
      verify: async () => {
        writes += 1;
      },
      onFailure: () => {
        failures += 1;
      },
    });
  }

  function change(columns: number, name = 'users', padding = ''): void {
    const resources = new MemoryResources();
    resources.apply({ ...tables, metadata: { name }, spec: { columns, padding } });
    const stored = resources.stored(tableKey(name));
    if (!stored) throw new Error('Nothing is stored.');
    present.set(tableKey(name), stored);
    store.changed(tableKey(name), stored);
  }

  function remove(name = 'users'): void {
    present.delete(tableKey(name));
    store.changed(tableKey(name), undefined);
  }

  async function columnsOnDisk(name = 'users'): Promise<unknown> {
    const { states, corrupt } = await readStates(folder);
    expect(corrupt).toEqual([]);
    return states.find(({ resource }) => resource.metadata.name === name)?.resource.spec?.columns;
  }

  it('fulfills a promise when a change is on disk, and has none when all are', async () => {
    expect(store.durable(key)).toBeUndefined();
    change(1);
    await store.durable(key);
    expect(await columnsOnDisk()).toBe(1);
    expect(store.durable(key)).toBeUndefined();
    remove();
    await store.durable(key);
    expect(await columnsOnDisk()).toBeUndefined();
  });

  it('writes the changes that are made during a write together, and fulfills each promise when its change or a later one is on disk', async () => {
    const seen: unknown[] = [];
    const answers: Promise<unknown>[] = [];
    const names = Array.from({ length: 50 }, (_, index) => `table-${index}`);
    for (let columns = 1; columns <= 10; columns += 1) {
      for (const name of names) {
        change(columns, name);
        const done = store.durable(tableKey(name)) ?? Promise.reject(new Error('It is not safe yet.'));
        answers.push(done.then(async () => seen.push([columns, await columnsOnDisk(name)])));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(answers);
    expect(writes).toBeLessThan(12);
    expect(seen).toHaveLength(500);
    for (const [columns, onDisk] of seen as [number, number][]) expect(onDisk).toBeGreaterThanOrEqual(columns);
    expect(await columnsOnDisk('table-7')).toBe(10);
  });

  it('writes changes that nothing waits for with the next ones, or after a delay', async () => {
    change(1, 'first');
    change(2, 'second');
    await new Promise((resolve) => setImmediate(resolve));
    expect(await readdir(folder)).toEqual([]);
    change(3, 'third');
    await store.durable(tableKey('third'));
    expect([await columnsOnDisk('first'), await columnsOnDisk('second')]).toEqual([1, 2]);
    change(4, 'first');
    await vi.waitFor(async () => expect(await columnsOnDisk('first')).toBe(4), { timeout: 10_000 });
  });

  it('writes and reads many resources', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `table-${index}`);
    for (const name of names) change(1, name);
    await store.flush();
    const { states, corrupt, leftovers } = await readStates(folder);
    expect(states.map(({ resource }) => resource.metadata.name).sort()).toEqual(names.sort());
    expect([corrupt, leftovers]).toEqual([[], []]);
  });

  it('appends to an existing journal, after whatever a crash left at its end', async () => {
    change(1);
    change(1, 'orders');
    await store.flush();
    await store.close();
    const whole = await readFile(journalOf(folder), 'utf8');
    await appendFile(journalOf(folder), '{"crc":"00000000","key":"exam');
    store = await open();
    change(2);
    await store.durable(key);
    expect(await columnsOnDisk()).toBe(2);
    expect(await columnsOnDisk('orders')).toBe(1);
    expect((await readFile(journalOf(folder), 'utf8')).startsWith(whole)).toBe(true);
  });

  it('compacts a journal of mostly outdated states', async () => {
    for (let columns = 1; columns <= 100; columns += 1) {
      change(columns, 'users', 'x'.repeat(50_000));
      change(columns, 'orders');
      await store.flush();
    }
    expect((await stat(journalOf(folder))).size).toBeLessThan(1_200_000);
    expect([await columnsOnDisk(), await columnsOnDisk('orders')]).toEqual([100, 100]);
    expect(await readdir(folder)).toEqual(['states.jsonl']);
    store.rewrite();
    await store.flush();
    expect((await stat(journalOf(folder))).size).toBeLessThan(52_000);
  });

  it('appends while the journal cannot be compacted', async () => {
    await mkdir(`${journalOf(folder)}.tmp`);
    await expect(async () => {
      change(1);
      await store.flush();
    }).rejects.toThrow('EISDIR');
    await rm(`${journalOf(folder)}.tmp`, { recursive: true });
    change(2);
    await store.flush();
    await mkdir(`${journalOf(folder)}.tmp`);
    for (let columns = 1; columns <= 100; columns += 1) {
      change(columns, 'users', 'x'.repeat(50_000));
      await store.flush();
    }
    expect(await columnsOnDisk()).toBe(100);
    expect(store.failures()).toEqual([]);
  });

  it('can be read at any time while it is written and compacted', async () => {
    let isWriting = true;
    const writing = (async () => {
      for (let columns = 1; columns <= 150; columns += 1) {
        change(columns, 'users', 'x'.repeat(30_000));
        change(columns, 'orders');
        await store.flush();
      }
      isWriting = false;
    })();
    let former = 0;
    while (isWriting) {
      const columns = Number((await columnsOnDisk()) ?? 0);
      expect(columns).toBeGreaterThanOrEqual(former);
      former = columns;
    }
    await writing;
    expect(await columnsOnDisk()).toBe(150);
  });

  it('rejects and remembers failed writes, and retries them on request', async () => {
    await rm(folder, { recursive: true });
    change(1);
    await expect(store.durable(key)).rejects.toThrow(expect.objectContaining({ code: 'StorageFailed' }));
    await expect(store.durable(key)).rejects.toThrow(
      `The state of Table default/users can't be written to ${journalOf(folder)}: ENOENT`,
    );
    await expect(store.flush()).rejects.toThrow("States can't be written to");
    expect(store.failures()).toEqual([{ file: journalOf(folder), message: expect.stringContaining('ENOENT') }]);
    expect(failures).toBe(1);
    await mkdir(folder);
    await store.durable(key);
    expect(await columnsOnDisk()).toBe(1);
    expect(store.failures()).toEqual([]);
    await expect(store.flush()).resolves.toBeUndefined();
    expect(await readdir(folder)).toEqual(['states.jsonl']);
  });

  it('loses nothing when the disk is full for a while', async ({ skip }) => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const run = promisify(execFile);
    const isMounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'kplug', disk]).then(
      () => true,
      () => false,
    );
    if (!isMounted) skip('file systems can only be mounted by root');
    try {
      const onDisk = store;
      store = await open(disk);
      await onDisk.close();
      const names = Array.from({ length: 20 }, (_, index) => `table-${index}`);
      for (const name of names) {
        change(1, name);
        await store.durable(tableKey(name));
      }
      await writeFile(join(disk, 'filler'), Buffer.alloc(1_000_000)).catch(() => undefined);
      change(2, 'table-0');
      change(1, 'large', 'x'.repeat(20_000));
      await expect(store.durable(tableKey('large'))).rejects.toThrow(`${journalOf(disk)}: ENOSPC`);
      expect((await readStates(disk)).corrupt).toEqual([]);
      expect((await readStates(disk)).states.length).toBeGreaterThanOrEqual(20);
      remove('table-1');
      await rm(join(disk, 'filler'));
      store.retry();
      await store.flush();
      const { states } = await readStates(disk);
      const found = new Map(states.map(({ resource }) => [resource.metadata.name, resource.spec?.columns]));
      expect([found.get('table-0'), found.get('table-1'), found.get('large'), found.size]).toEqual([
        2,
        undefined,
        1,
        20,
      ]);
      expect(store.failures()).toEqual([]);
    } finally {
      await store.close();
      await run('umount', [disk]);
    }
  });
});
