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

  it('deletes undefined resources, but only once the files have settled', () => {
    desired.apply(resources, definitions({ 'a.yaml': documents(table('users'), table('orders')) }), true);
    const without = definitions({ 'a.yaml': table('orders') });
    desired.apply(resources, without, false);
    expect(names()).toEqual(['users', 'orders']);
    desired.apply(resources, without, true);
    expect(names()).toEqual(['orders']);
  });

  it('deletes nothing that an invalid file defined or still contains', () => {
    desired.apply(resources, definitions({ 'a.yaml': documents(table('users'), table('orders')) }), true);
    desired.apply(resources, definitions({ 'a.yaml': 'kind: Table\n' }), true);
    expect(names()).toEqual(['users', 'orders']);
    desired.apply(resources, definitions({ 'a.yaml': '', 'b.yaml': documents(table('users'), 'kind: Table\n') }), true);
    expect(names()).toEqual(['users']);
  });

  it('knows the file of each resource, and returns moved ones', () => {
    expect(desired.apply(resources, definitions({ 'a.yaml': table('users') }), true)).toEqual([]);
    expect(desired.sourceOf(users)).toBe('a.yaml');
    expect(desired.apply(resources, definitions({ 'b.yaml': table('users') }), true)).toEqual([users]);
    expect(desired.sourceOf(users)).toBe('b.yaml');
  });

  it('creates a resource again that is gone although a file defines it', () => {
    const files = definitions({ 'a.yaml': table('users') });
    desired.apply(resources, files, true);
    resources.delete(users);
    desired.apply(resources, files, true);
    expect(names()).toEqual([]);
    desired.forget(users);
    expect(desired.sourceOf(users)).toBeUndefined();
    desired.apply(resources, files, true);
    expect(names()).toEqual(['users']);
  });
});
