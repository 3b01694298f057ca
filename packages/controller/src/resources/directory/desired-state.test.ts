import { beforeEach, describe, expect, it } from 'vitest';
import { parseManifests } from '../manifest.ts';
import { MemoryResources } from '../memory/memory-resources.ts';
import { type Definitions, resolveDefinitions } from './definitions.ts';
import { DesiredState } from './desired-state.ts';
import { documents, table, tableKey, tables } from './testing.ts';

const users = tableKey('users');

describe('DesiredState', () => {
  let resources: MemoryResources;
  let desired: DesiredState;

  beforeEach(() => {
    resources = new MemoryResources();
    desired = new DesiredState();
  });

  function definitions(files: Record<string, string>): Definitions {
    const contents = Object.entries(files).map(([path, text]) => [path, parseManifests(text, { file: path })] as const);
    return resolveDefinitions('', new Map(contents), (key) => desired.sourceOf(key));
  }

  function names(): string[] {
    return resources.list(tables).map(({ metadata }) => metadata.name);
  }

  /** Applies definitions, and deletes what they don't define. */
  function applyAll(all: Definitions): void {
    desired.apply(resources, all);
    for (const { key } of desired.undefinedResources(resources, all).deletions) resources.delete(key);
  }

  it('returns undefined resources, and deletes none itself', () => {
    desired.apply(resources, definitions({ 'a.yaml': documents(table('users'), table('orders')) }));
    const without = definitions({ 'a.yaml': table('orders') });
    desired.apply(resources, without);
    expect(names()).toEqual(['users', 'orders']);
    const { uid } = resources.get(users)?.metadata ?? {};
    const pending = { deletions: [{ key: users, uid, source: 'a.yaml', createdAt: expect.any(Number) }], total: 2 };
    expect(desired.undefinedResources(resources, without)).toEqual(pending);
  });

  it('knows the resources of each file, without those that are being deleted', async () => {
    desired.apply(
      resources,
      definitions({ 'a.yaml': table('users'), 'b.yaml': documents(table('orders'), table('items')) }),
    );
    const options = { uid: resources.get(users)?.metadata.uid ?? '', fieldManager: 'kplug/tables' };
    await resources.addFinalizer(users, 'kplug.dev/a', options);
    const files = () =>
      [...desired.defined(resources)].map(([path, all]) => [path, all.map(({ metadata }) => metadata.name)]);
    expect(files()).toEqual([
      ['a.yaml', ['users']],
      ['b.yaml', ['orders', 'items']],
    ]);
    resources.delete(users);
    expect(files()).toEqual([['b.yaml', ['orders', 'items']]]);
    expect(desired.undefinedResources(resources, definitions({}))).toMatchObject({ total: 2 });
  });

  it('deletes nothing that an invalid file defined or still contains', () => {
    applyAll(definitions({ 'a.yaml': documents(table('users'), table('orders')) }));
    applyAll(definitions({ 'a.yaml': 'kind: Table\n' }));
    expect(names()).toEqual(['users', 'orders']);
    applyAll(definitions({ 'a.yaml': '', 'b.yaml': documents(table('users'), 'kind: Table\n') }));
    expect(names()).toEqual(['users']);
  });

  it('knows the file of each resource, and returns moved ones', () => {
    expect(desired.apply(resources, definitions({ 'a.yaml': table('users') }))).toEqual([]);
    expect(desired.sourceOf(users)).toBe('a.yaml');
    expect(desired.apply(resources, definitions({ 'b.yaml': table('users') }))).toEqual([users]);
    expect(desired.sourceOf(users)).toBe('b.yaml');
  });

  it('creates a resource again that is gone although a file defines it', () => {
    const files = definitions({ 'a.yaml': table('users') });
    desired.apply(resources, files);
    resources.delete(users);
    desired.apply(resources, files);
    expect(names()).toEqual([]);
    desired.forget(users);
    expect(desired.sourceOf(users)).toBeUndefined();
    desired.apply(resources, files);
    expect(names()).toEqual(['users']);
  });
});
