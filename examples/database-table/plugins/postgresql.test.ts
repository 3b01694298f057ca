import type { ReconcileResult } from '@kplug/sdk';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { toDatabaseColumns } from '../column-types.ts';
import { type Postgres, startPostgres } from '../databases/postgres.ts';
import type { Layout } from '../table.ts';
import { describeContract, failure, type Subject } from './contract.ts';
import { type measure, postgreSqlTypes } from './postgresql/layout.ts';
import { finalize, reconcile } from './postgresql.ts';
import { describeRenames } from './renames.ts';
import { inputOf, type TestTable } from './testing.ts';
import { describeTypeChanges } from './type-changes.ts';

type Measured = Awaited<ReturnType<typeof measure>>;

const kind = 'DatabaseTablePostgreSqlExtension';
let postgres: Postgres;
let db: pg.Client;

beforeAll(async () => {
  postgres = await startPostgres();
  Object.assign(process.env, postgres.env);
  db = new pg.Client();
  await db.connect();
  await db.query("SET TimeZone = 'UTC'");
});
afterAll(async () => {
  await db?.end();
  await postgres?.stop();
});

async function sql(statement: string) {
  return (await db.query<Record<string, unknown>>(statement)).rows;
}

async function clear() {
  await sql('DROP SCHEMA public CASCADE');
  await sql('CREATE SCHEMA public');
}

const subject: Subject<typeof kind> = {
  database: 'PostgreSQL',
  kind,
  types: postgreSqlTypes,
  reconcile,
  finalize,
  quote: pg.escapeIdentifier,
  sql,
  clear,
};
describeContract(subject);
describeRenames(subject);
describeTypeChanges(subject, {
  literal: (type, value) => {
    if (value.includes('\0') || (type.startsWith('decimal') && value === 'NaN')) return undefined;
    if (type === 'bytes') return `'\\x${value}'::bytea`;
    const text = type === 'timestamp' ? `${value}${value === 'infinity' ? '' : '+00'}` : value;
    return `${pg.escapeLiteral(text)}::${toDatabaseColumns([{ name: 'a', type }], postgreSqlTypes, 'PostgreSQL')[0].type}`;
  },
  text: (column, type) => (type === 'bytes' ? `encode(${column}, 'hex')` : `${column}::text`),
});

describe('PostgreSQL', () => {
  const columns = { id: 'uint64', name: 'string' };
  const pass = (table: TestTable<typeof kind>) => reconcile(inputOf(kind, table));
  const statusOf = (result: ReconcileResult) => result.extensions?.[0]?.status as Measured;
  const layoutOf = (result: ReconcileResult) => (result.status as { table: Layout }).table;
  const insert = (count: number) => sql(`INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, ${count}) n`);
  const hash = [{ partitionBy: 'hash' as const }];
  beforeEach(clear);
  afterEach(() => vi.unstubAllEnvs());

  it('partitions by hash, and reports the rows and the size of each partition', async () => {
    expect(statusOf(await pass({ columns, extensions: hash }))).toMatchObject({ partitions: 4, rows: 0 });
    await insert(1000);
    const status = statusOf(await pass({ columns, extensions: hash }));
    expect(status).toMatchObject({ partitions: 4, rows: 1000 });
    expect(status.details.map(({ name }) => name)).toEqual(['users_p0', 'users_p1', 'users_p2', 'users_p3']);
    for (const { name, rows, sizeBytes } of status.details) {
      expect(await sql(`SELECT count(*)::int AS rows FROM ${name}`)).toEqual([{ rows }]);
      expect(rows).toBeGreaterThan(150);
      expect(sizeBytes).toBeGreaterThan(8192);
    }
    expect(status.sizeBytes).toBe(status.details.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    expect(statusOf(await pass({ columns, extensions: hash })), 'an equal table has an equal status').toEqual(status);
  });

  it('keeps the rows when the partitioning changes', async () => {
    await pass({ columns, extensions: [{}] });
    await insert(100);
    for (const [extension, partitions] of [
      [{ partitionBy: 'hash' as const }, 4],
      [{ partitionBy: 'hash' as const, partitions: 11 }, 11],
      [{ partitionBy: 'hash' as const, partitions: 2, partitionColumn: 'name' }, 2],
      [{}, 0],
    ] as const) {
      const result = await pass({ columns, extensions: [extension] });
      expect(statusOf(result)).toMatchObject({ partitions, rows: 100 });
      expect(statusOf(result).details).toHaveLength(partitions);
      expect(await sql(`SELECT name FROM users WHERE id = 42`)).toEqual([{ name: 'user 42' }]);
    }
  });

  it('adds the partition column to the primary key, and rejects an unknown one', async () => {
    const extension = { partitionBy: 'hash' as const, partitionColumn: 'name' };
    expect(layoutOf(await pass({ columns, extensions: [extension] })).primaryKey).toEqual(['id', 'name']);
    const error = await failure(pass({ columns: { id: 'uint64' }, extensions: [extension] }));
    expect(error).toMatchObject({ code: 'Terminal', reason: 'NoPartitionColumn' });
  });

  it('changes the type of the partition column, or nothing if its data cannot be converted', async () => {
    await pass({ columns, extensions: hash });
    await insert(100);
    const asText = { id: 'string', name: 'string', email: 'string' };
    const result = await pass({ columns: asText, extensions: hash });
    expect(layoutOf(result)).toMatchObject({ columns: [{ type: 'text' }, {}, {}], options: { partitions: 4 } });
    await sql(`UPDATE users SET id = 'none' WHERE id = '42'`);
    const error = await failure(pass({ columns, extensions: hash }));
    expect(error).toMatchObject({ code: 'Terminal', reason: 'DataDoesNotFit' });
    expect(error.message).toMatch(/column "id" can't change from text to numeric\(20,0\), .*"none"/);
    expect(await sql('SELECT count(*)::int AS rows, count(email) ::int AS emails FROM users')).toEqual([
      { rows: 100, emails: 0 },
    ]);
  });

  it('keeps the values of the partition column, also under another name', async () => {
    const floats = { columns: { id: 'float64', name: 'string' }, extensions: hash };
    await pass(floats);
    await sql(`INSERT INTO users VALUES (1, 'a'), (2.5, 'b')`);
    const error = await failure(pass({ columns, extensions: hash }));
    expect(error.message).toContain('1 of 2 rows would not keep the value. The first one, id = "2.5", has "2.5"');
    expect(await sql('SELECT * FROM users ORDER BY id')).toEqual([
      { id: 1, name: 'a' },
      { id: 2.5, name: 'b' },
    ]);
    const renamed = [
      { name: 'key', type: 'float64', renamedFrom: 'id' },
      { name: 'name', type: 'string' },
    ];
    const result = await pass({ columns: renamed, extensions: hash });
    expect(result.messages?.[0]?.text).toBe('PostgreSQL table users: renamed column id to key.');
    const texts = renamed.map((column) => ({ ...column, type: 'string' }));
    await pass({ columns: texts, extensions: hash });
    expect(layoutOf(await pass({ columns: texts, extensions: hash })).options).toMatchObject({
      partitionColumn: 'key',
    });
    expect(await sql('SELECT key FROM users ORDER BY key')).toEqual([{ key: '1' }, { key: '2.5' }]);
  });

  it('keeps the values of types that another client chose', async () => {
    await sql(
      `CREATE TABLE users (id int PRIMARY KEY, a varchar(9), b real, c timestamp, d smallint, e numeric, f json, g date)`,
    );
    const wanted = {
      ...{
        id: 'int32',
        a: 'string',
        b: 'float64',
        c: 'timestamp',
        d: 'int32',
        e: 'decimal(12,2)',
        f: 'json',
        g: 'string',
      },
    };
    const insert = (f: string, e: string) =>
      sql(`INSERT INTO users VALUES (1, 'é ', 0.1, '2024-01-02 03:04:05.123456', -7, ${e}, '${f}', '2024-01-02')`);
    await insert('{"b": 1,  "a": 2}', '1.555');
    const { message } = await failure(pass({ columns: wanted }));
    expect(message).toMatch(
      /^Table users: column "e" .*from numeric to numeric\(12,2\).* column "f" .*from json to jsonb/,
    );
    await sql('DELETE FROM users');
    await insert('{"a": 1}', '1.50');
    await pass({ columns: wanted });
    expect(await sql('SELECT *, c::text AS c, e::text AS e FROM users')).toEqual([
      { id: 1, a: 'é ', b: 0.1, c: '2024-01-02 03:04:05.123456+00', d: -7, e: '1.50', f: { a: 1 }, g: '2024-01-02' },
    ]);
  });

  it('does not change what a policy hides from its user', async () => {
    await sql(`CREATE ROLE tables LOGIN PASSWORD 'tables'; GRANT USAGE, CREATE ON SCHEMA public TO tables`);
    onTestFinished(async () => void (await sql('DROP OWNED BY tables; DROP ROLE tables')));
    vi.stubEnv('PGUSER', 'tables');
    vi.stubEnv('PGPASSWORD', 'tables');
    await pass({ columns: { id: 'int32', height: 'float64' } });
    await sql(`INSERT INTO users VALUES (1, 1.5)`);
    await sql(`ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
    const error = await failure(pass({ columns: { id: 'int32', height: 'int32' } }));
    expect(error).toMatchObject({
      code: 'Retry',
      reason: 'AccessDenied',
      message: expect.stringContaining('row-level security'),
    });
    expect(await sql('SELECT height FROM users')).toEqual([{ height: 1.5 }]);
  });

  it.each(['read committed', 'serializable'])(
    'sees what another client wrote before the change, %s',
    async (isolation) => {
      vi.stubEnv('PGOPTIONS', `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`);
      await pass({ columns: { id: 'int32', height: 'float64' } });
      const other = new pg.Client();
      await other.connect();
      try {
        await other.query('BEGIN; INSERT INTO users VALUES (1, 1.5)');
        const changing = failure(pass({ columns: { id: 'int32', height: 'int32' } }));
        await expect
          .poll(() => sql(`SELECT 1 FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted`))
          .toHaveLength(1);
        await other.query('COMMIT');
        expect((await changing).message).toContain('has "1.5", which would become "2"');
      } finally {
        await other.end();
      }
    },
  );

  it('restores a dropped partition, and reports it', async () => {
    const last = await pass({ columns, extensions: hash });
    await insert(100);
    await sql('DROP TABLE users_p2');
    const result = await pass({ columns, extensions: hash, last });
    expect(result.events?.[0]).toMatchObject({ reason: 'DriftCorrected', message: expect.stringMatching(/partition/) });
    expect(statusOf(result).partitions).toBe(4);
    expect(statusOf(result).rows).toBeLessThan(100);
  });

  it('replaces partitions that another client created with other bounds', async () => {
    await sql('CREATE TABLE users (id numeric(20,0) PRIMARY KEY, name text) PARTITION BY HASH (id)');
    for (const [modulus, remainder] of [
      [2, 0],
      [4, 1],
      [8, 3],
      [8, 7],
    ] as const) {
      const bounds = `FOR VALUES WITH (MODULUS ${modulus}, REMAINDER ${remainder})`;
      await sql(`CREATE TABLE by_hand_${remainder} PARTITION OF users ${bounds}`);
    }
    await insert(100);
    const names = ['users_p0', 'users_p1', 'users_p2', 'users_p3'].map((name) => ({ name }));
    expect(statusOf(await pass({ columns, extensions: hash }))).toMatchObject({ rows: 100, details: names });
  });

  it('does not drop objects of other clients that depend on the table', async () => {
    await pass({ columns });
    await insert(3);
    await sql('CREATE VIEW names AS SELECT name FROM users');
    for (const edit of [{ columns: { id: 'uint64' } }, { columns, extensions: hash }]) {
      const error = await failure(pass(edit));
      expect(error).toMatchObject({ code: 'Terminal', reason: 'StatementRefused' });
      expect(error.message).toContain('view names depends on');
      expect(await sql('SELECT * FROM names')).toHaveLength(3);
    }
    expect((await failure(finalize(inputOf(kind, { columns })))).message).toContain('view names depends on');
  });

  it('uses one extension, and reports that it ignores another', async () => {
    const result = await pass({ columns, extensions: [...hash, {}] });
    expect(result.messages?.[1]).toMatchObject({ severity: 'warning', reason: 'ExtensionIgnored' });
    expect(statusOf(result).partitions).toBe(4);
  });

  it('changes nothing after the call is cancelled', async () => {
    const signal = AbortSignal.abort();
    await expect(reconcile({ ...inputOf(kind, { columns }), signal })).rejects.toThrow(/aborted/);
    await expect(sql('SELECT * FROM users')).rejects.toThrow();
  });

  it('names the partitions of a table with a long name', async () => {
    const table = { name: 'n'.repeat(56), columns, extensions: [{ ...hash[0], partitions: 256 }] };
    expect(statusOf(await pass(table)).details.at(-1)?.name).toBe(`${'n'.repeat(56)}_p255`);
  });
});

describe('PostgreSQL that is unavailable', () => {
  const waiting = `FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted`;
  const input = inputOf(kind, { columns: { id: 'uint64', name: 'string' } });
  beforeEach(clear);
  afterEach(() => vi.unstubAllEnvs());

  it('is retried when another client holds a lock', async () => {
    await reconcile(input);
    await sql('BEGIN');
    await sql('SELECT * FROM users');
    const error = await failure(reconcile(inputOf(kind, { columns: { id: 'uint64' } })));
    await sql('COMMIT');
    expect(error).toMatchObject({ code: 'Retry', reason: 'DatabaseBusy' });
  });

  it('is retried when the password is wrong', async () => {
    vi.stubEnv('PGPASSWORD', 'wrong');
    expect(await failure(reconcile(input))).toMatchObject({ code: 'Retry', reason: 'AccessDenied' });
  });

  it('is configured by DATABASE_URL, too', async () => {
    vi.stubEnv('PGPORT', '1');
    vi.stubEnv('DATABASE_URL', postgres.url);
    await reconcile(input);
    expect(await sql('SELECT * FROM users')).toEqual([]);
  });

  it('is retried when the server stops during a call or before', async () => {
    const other = await startPostgres();
    vi.stubEnv('DATABASE_URL', other.url);
    const blocker = new pg.Client(other.url);
    blocker.on('error', () => {});
    try {
      await reconcile(input);
      await blocker.connect();
      await blocker.query('BEGIN; LOCK TABLE users');
      const interruptions = [() => blocker.query(`SELECT pg_terminate_backend(pid) ${waiting}`), () => other.stop()];
      for (const interrupt of interruptions) {
        const calling = failure(reconcile(inputOf(kind, { columns: { id: 'uint64' } })));
        await expect.poll(async () => (await blocker.query(`SELECT 1 ${waiting}`)).rowCount).toBe(1);
        await interrupt();
        expect(await calling).toMatchObject({ code: 'Retry', reason: 'DatabaseUnavailable' });
      }
    } finally {
      await other.stop();
    }
    for (const call of [reconcile, finalize]) {
      const error = await failure(call(input));
      expect(error).toMatchObject({ code: 'Retry', reason: 'DatabaseUnavailable' });
      expect(error.message).toMatch(/PostgreSQL can't be reached: .*ECONNREFUSED/);
    }
  });
});
