import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { ZodType } from 'zod';
import { databaseTable, mariaDbExtension, postgreSqlExtension, sqliteExtension, tableName } from './table.ts';

const schemas: Record<string, ZodType> = {
  DatabaseTable: databaseTable,
  DatabaseTablePostgreSqlExtension: postgreSqlExtension,
  DatabaseTableMariaDbExtension: mariaDbExtension,
  DatabaseTableSqliteExtension: sqliteExtension,
};

describe('databaseTable', () => {
  const metadata = { name: 'users', labels: {} };
  const table = (...names: string[]) => ({
    metadata,
    spec: { serverName: 'test', columns: names.map((name) => ({ name, type: 'string' })), comment: 'kept' },
  });

  it('accepts a table, and keeps unknown fields', () => {
    const users = table('id', 'select', 'a"b', 'Größe', 'n'.repeat(63));
    expect(databaseTable.parse(users)).toEqual(users);
  });

  it.each([
    ['no column', table(), /must have at least one column/],
    ['no columns', { metadata, spec: { serverName: 'test' } }, /must be a list of columns/],
    ['two of a name', table('id', 'ID'), /duplicate column ID/],
    ['an empty name', table(''), /1 to 63 bytes/],
    ['a name too long', table('ö'.repeat(32)), /1 to 63 bytes/],
    ['a null byte', table('a\0b'), /must not have control characters/],
    ['a lone surrogate', table('a\ud800'), /must not have control characters/],
    ['a space at the end', table('a '), /must not begin or end with a space/],
    ['no server', { metadata, spec: { columns: [{ name: 'id', type: 'string' }] } }, /serverName/],
    ['a misspelt field', { metadata, spec: { serverName: 'test', columns: [{ name: 'id', typ: 'string' }] } }, /typ/],
    ['a long name', { ...table('id'), metadata: { name: 'n'.repeat(57) } }, /at most 56 bytes/],
    ['a long namespace', { ...table('id'), metadata: { ...metadata, namespace: 'n'.repeat(53) } }, /at most 56 bytes/],
  ])('rejects %s', (_, value, message) => {
    const { error } = databaseTable.safeParse(value);
    expect(error?.message).toMatch(message);
  });

  it('accepts former names of columns, and rejects impossible ones', () => {
    const parse = (...columns: object[]) =>
      databaseTable.safeParse({
        metadata,
        spec: { serverName: 'test', columns: columns.map((column) => ({ type: 'string', ...column })) },
      });
    const swap = [
      { name: 'a', renamedFrom: 'b' },
      { name: 'b', renamedFrom: 'a' },
    ];
    expect(parse(...swap, { name: 'Id', renamedFrom: 'id' }).success).toBe(true);
    const issues = (...columns: object[]) =>
      parse(...columns).error?.issues.map(({ path, message }) => [path.join('.'), message]);
    expect(issues({ name: 'a', renamedFrom: 'x' }, { name: 'b', renamedFrom: 'X' })).toEqual([
      ['spec.columns.1.renamedFrom', 'another column is renamed from X, too'],
    ]);
    expect(issues({ name: 'a', renamedFrom: 'a' })).toEqual([
      ['spec.columns.0.renamedFrom', 'must differ from the name'],
    ]);
    expect(issues({ name: 'a', renamedFrom: ' x' })).toEqual([
      ['spec.columns.0.renamedFrom', 'must not begin or end with a space'],
    ]);
  });

  it.each([
    '../escape',
    '/etc/passwd',
    '..',
    '.hidden',
    'a/b',
    'a\\b',
    'a\0',
    'file:x?mode=memory',
    '',
    'a'.repeat(64),
  ])('rejects the server name %j', (serverName) => {
    const { error } = databaseTable.safeParse({ metadata, spec: { ...table('id').spec, serverName } });
    expect(error?.message).toMatch(/must be 1 to 63 letters, digits/);
  });

  it('ignores a malformed status of another client', () => {
    for (const status of ['broken', { table: 'users' }, { table: { database: 'Other', columns: 3 }, plugin: {} }]) {
      expect(databaseTable.parse({ ...table('id'), status }).status?.table).toBeUndefined();
    }
  });
});

describe('the extensions', () => {
  it('reject unknown fields and values', () => {
    expect(postgreSqlExtension.safeParse({ spec: { partitionsBy: 'hash' } }).error?.message).toMatch(/partitionsBy/);
    expect(postgreSqlExtension.safeParse({ spec: { partitionBy: 'range' } }).success).toBe(false);
    expect(postgreSqlExtension.safeParse({ spec: { partitions: 8 } }).error?.message).toMatch(/require partitionBy/);
    expect(postgreSqlExtension.safeParse({ spec: { partitionBy: 'hash', partitions: 0 } }).success).toBe(false);
    expect(mariaDbExtension.safeParse({ spec: { storageEngine: 'InnoDB; DROP TABLE x' } }).success).toBe(false);
    expect(sqliteExtension.safeParse({ spec: { strict: 'yes' } }).success).toBe(false);
  });

  it.each(['users.yaml', 'sessions.yaml'])('and the tables in %s are valid', async (file) => {
    const text = await readFile(new URL(`manifests/${file}`, import.meta.url), 'utf8');
    const documents = parseAllDocuments(text).map((document) => document.toJS());
    expect(documents.map(({ kind }) => kind)).toContain('DatabaseTable');
    for (const document of documents) {
      expect(document.apiVersion).toBe('myorg.org/v1alpha1');
      expect(schemas[document.kind]?.parse(document)).toEqual(document);
    }
  });
});

describe('tableName', () => {
  it('is the name of the resource, with its namespace unless that is default', () => {
    expect(tableName({ name: 'users' })).toBe('users');
    expect(tableName({ namespace: 'default', name: 'users' })).toBe('users');
    expect(tableName({ namespace: 'team', name: 'users' })).toBe('team/users');
    expect(tableName({ namespace: 'team', name: 'a.b' })).not.toBe(tableName({ name: 'team.a.b' }));
  });
});
