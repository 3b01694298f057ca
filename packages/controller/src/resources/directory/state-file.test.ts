import { isAbsolute, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryResources } from '../memory/memory-resources.ts';
import { keyOf } from '../resource.ts';
import { formatStateRecord, parseRecord, parseState, readStateRecord, statePathOf } from './state-file.ts';
import { stateFile, tableKey } from './testing.ts';

describe('state files', () => {
  it('have a path for each resource', () => {
    expect(statePathOf('example.org/v1/Table/default/users')).toBe('resources/example.org/v1/Table/default/users.json');
    expect(statePathOf('/v1/ConfigMap/default/users')).toBe('resources/_core/v1/ConfigMap/default/users.json');
  });

  it('have valid file names even for long names', () => {
    const longest = 'a'.repeat(252);
    const [one, other] = [`${longest}b`, `${longest}c`].map((name) => statePathOf(tableKey(name)));
    expect(one?.split('/').at(-1)?.length).toBeLessThan(240);
    expect(one).not.toBe(other);
  });

  it('contain everything that was written', async () => {
    const resources = new MemoryResources();
    const resource = resources.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'users', namespace: 'shop', labels: { a: 'b' } },
      data: { key: 'value' },
    });
    const key = keyOf(resource);
    const { uid } = resource.metadata;
    await resources.applyStatus(key, { rows: 1 }, { uid, fieldManager: '2' });
    await resources.applyStatus(key, { rows: 2 }, { uid, fieldManager: '1' });
    await resources.addFinalizer(key, 'kplug.dev/a', { uid, fieldManager: '1' });
    const stored = resources.stored(key);
    if (!stored) throw new Error('Nothing is stored.');
    const state = { ...stored, source: 'a/b.yaml' };
    const path = statePathOf(key);
    expect(parseState(stateFile(state), path)).toEqual(state);
    expect([...parseState(stateFile(state), path).statuses.keys()]).toEqual(['2', '1']);
    expect(isAbsolute(path) || normalize(path) !== path).toBe(false);
    expect(() => parseState(stateFile(state), path.replace('users', 'other'))).toThrow('belongs into');

    const record = parseRecord(formatStateRecord(key, state));
    if (!record) throw new Error('There is no record.');
    expect(readStateRecord(record)).toEqual(state);
    expect(() => readStateRecord({ ...record, key: tableKey('other') })).toThrow(
      'the state of /v1/ConfigMap/shop/users',
    );
    expect(parseRecord(formatStateRecord(key, undefined))).toMatchObject({ key, removed: true });
  });

  it.each(['', '{', '[]', '{"formatVersion":2}', '{"formatVersion":1,"source":"a","resource":{},"statuses":[]}'])(
    'are refused when they hold %j',
    (content) => {
      expect(() => parseState(content, 'resources/x.json')).toThrow();
    },
  );
});
