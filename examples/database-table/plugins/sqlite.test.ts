import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ReconcileResult } from '@kplug/sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Layout } from '../table.ts';
import { describeContract, failure, type Subject } from './contract.ts';
import { describeRenames } from './renames.ts';
import { quote } from './sqlite/database.ts';
import { sqliteTypes } from './sqlite/layout.ts';
import { finalize, reconcile } from './sqlite.ts';
import { inputOf, type TestTable } from './testing.ts';
import { describeTypeChanges } from './type-changes.ts';

const kind = 'DatabaseTableSqliteExtension';
const directory = mkdtempSync(join(tmpdir(), 'kplug-sqlite-'));
const file = join(directory, 'test.sqlite');

beforeAll(() => {
  process.env.SQLITE_DIRECTORY = directory;
});
afterAll(() => rmSync(directory, { recursive: true }));

const subject: Subject<typeof kind> = {
  ...{ database: 'SQLite', kind, types: sqliteTypes, reconcile, finalize, quote, sql, clear },
};
describeContract(subject);
describeRenames(subject);
describeTypeChanges(subject, {
  literal: (type, value) => {
    if (type === 'bytes') return `X'${value}'`;
    if (/^(string|json|uuid|timestamp|decimal.*)$/.test(type)) {
      return `CAST(X'${Buffer.from(value).toString('hex')}' AS TEXT)`;
    }
    if (value === 'NaN' || (type === 'uint64' && BigInt(value) > 2n ** 63n - 1n)) return undefined;
    if (type === 'float64') return value === 'Infinity' ? '9e999' : `${value}${value.includes('e') ? '' : 'e0'}`;
    return value;
  },
  storedAs: {
    ...{ timestamp: 'string', json: 'string', uuid: 'string', 'decimal(12,2)': 'string', 'decimal(38,10)': 'string' },
    bool: 'int64',
  },
  text: (column) =>
    `CASE typeof(${column}) WHEN 'blob' THEN lower(hex(${column})) WHEN 'real' THEN
       CASE WHEN CAST(CAST(${column} AS TEXT) AS REAL) = ${column} THEN CAST(${column} AS TEXT) ELSE printf('%!.17g', ${column}) END
     ELSE CAST(${column} AS TEXT) END`,
});

describe('SQLite', () => {
  const columns = { id: 'uint64', name: 'string' };
  const pass = async (table: TestTable<typeof kind>) => reconcile(inputOf(kind, table));
  const layoutOf = (result: ReconcileResult) => (result.status as { table: Layout }).table;
  beforeEach(clear);
  afterEach(() => vi.unstubAllEnvs());

  it('reports the rows, the size and the file', async () => {
    await pass({ columns });
    await sql(
      `INSERT INTO users WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 1000) SELECT n, 'x' FROM n`,
    );
    const result = await pass({ columns, extensions: [{}] });
    const [size] = await sql(`SELECT sum(pgsize) AS bytes FROM dbstat WHERE name = 'users'`);
    expect(size?.bytes).toBeGreaterThan(8000);
    expect(result.extensions?.[0]?.status).toEqual({ rows: 1000, sizeBytes: size?.bytes, file });
  });

  it('applies the options of the extension, and keeps rows, indexes and triggers', async () => {
    const withoutRowId = { columns, extensions: [{ strict: false, withoutRowId: true }] };
    await pass({ columns });
    await sql(`INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob')`);
    await sql('CREATE INDEX by_name ON users (name)');
    await sql(
      `CREATE TRIGGER shout AFTER INSERT ON users BEGIN UPDATE users SET name = upper(name) WHERE id = new.id; END`,
    );
    expect(layoutOf(await pass(withoutRowId)).options).toEqual({ strict: false, withoutRowId: true });
    await expect(sql('SELECT rowid FROM users')).rejects.toThrow();
    await sql(`INSERT INTO users VALUES (3, 'Cy')`);
    expect(await sql('SELECT name FROM users INDEXED BY by_name WHERE name > char(66)')).toEqual([
      { name: 'Bob' },
      { name: 'CY' },
    ]);
    expect(layoutOf(await pass({ columns })).options).toEqual({ strict: true, withoutRowId: false });
    await expect(sql(`INSERT INTO users VALUES ('x', 'Di')`)).rejects.toThrow();
  });

  it.each([true, false])('converts data or fails, strict: %s', async (strict) => {
    const extensions = [{ strict }];
    await pass({ columns: { id: 'int32', age: 'string', height: 'float64' }, extensions });
    await sql(`INSERT INTO users VALUES (1, '36', 1.0), (2, NULL, NULL)`);
    await pass({ columns: { id: 'int32', age: 'int32', height: 'int32' }, extensions });
    expect(await sql('SELECT * FROM users')).toEqual([
      { id: 1, age: 36, height: 1 },
      { id: 2, age: null, height: null },
    ]);
    await pass({ columns: { id: 'int32', age: 'string', height: 'float64' }, extensions });
    await sql(`UPDATE users SET age = 'many' WHERE id = 2`);
    const error = await failure(pass({ columns: { id: 'int32', age: 'int32' }, extensions }));
    expect(error).toMatchObject({ code: 'Terminal', reason: 'DataDoesNotFit' });
    expect(error.message).toMatch(/\bage\b/);
    expect(await sql('SELECT age, height FROM users WHERE id = 2')).toEqual([{ age: 'many', height: null }]);
  });

  it('keeps the values of a table that is not strict, of types that another client chose', async () => {
    await sql(`CREATE TABLE users (id INTEGER PRIMARY KEY, a VARCHAR(3), b NUMERIC, c, d DATE)`);
    await sql(`INSERT INTO users VALUES (1, 'long', 1.5, x'ff', '2024-01-02')`);
    const wanted = { id: 'int32', a: 'string', b: 'int64', c: 'string', d: 'timestamp' };
    const { message } = await failure(pass({ columns: wanted }));
    expect(message).toMatch(/^Table users: column "b" .*"1\.5", which would become "1"\. column "c" .*"\\\\xff"/);
    expect(await sql('SELECT typeof(b) AS b, hex(c) AS c FROM users')).toEqual([{ b: 'real', c: 'FF' }]);
    await sql(`UPDATE users SET b = 7, c = x'6869'`);
    await pass({ columns: wanted });
    expect(await sql('SELECT * FROM users')).toEqual([{ id: 1, a: 'long', b: 7, c: 'hi', d: '2024-01-02' }]);
  });

  it('does not convert values on the way to the new table', async () => {
    await sql(`CREATE TABLE users (id INTEGER PRIMARY KEY, a ANY, b TEXT) STRICT`);
    await sql(`INSERT INTO users VALUES (1, '007', 'x'), (2, '1e3', 'y')`);
    await pass({ columns: { id: 'int32', a: 'string' } });
    expect(await sql('SELECT a FROM users')).toEqual([{ a: '007' }, { a: '1e3' }]);
  });

  it('renames columns in indexes and triggers', async () => {
    await pass({ columns });
    await sql('CREATE INDEX by_name ON users (name)');
    await pass({
      columns: [
        { name: 'id', type: 'uint64' },
        { name: 'fullName', type: 'string', renamedFrom: 'name' },
      ],
      extensions: [{ withoutRowId: true }],
    });
    expect(await sql('SELECT fullName FROM users INDEXED BY by_name WHERE fullName > char(66)')).toEqual([]);
  });

  it('has a file for each server', async () => {
    await pass({ serverName: 'a.B-1_c', columns });
    expect(readdirSync(directory)).toContain('a.B-1_c.sqlite');
    expect(await sql(`SELECT * FROM sqlite_schema`)).toEqual([]);
  });

  it('creates no file to drop a table', async () => {
    finalize(inputOf(kind, { serverName: 'untouched', columns }));
    expect(existsSync(join(directory, 'untouched.sqlite'))).toBe(false);
  });

  it('is retried when another client holds a lock, or the directory does not exist', async () => {
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    expect(await failure(pass({ columns }))).toMatchObject({ code: 'Retry', reason: 'DatabaseBusy' });
    other.close();
    vi.stubEnv('SQLITE_DIRECTORY', join(directory, 'missing'));
    const error = await failure(pass({ columns }));
    expect(error).toMatchObject({ code: 'Retry', reason: 'DatabaseUnavailable' });
    expect(error.message).toContain(join(directory, 'missing', 'test.sqlite'));
  });
});

async function sql(statement: string): Promise<Record<string, unknown>[]> {
  const db = new DatabaseSync(file);
  try {
    return db
      .prepare(statement)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    db.close();
  }
}

async function clear() {
  rmSync(file, { force: true });
}
