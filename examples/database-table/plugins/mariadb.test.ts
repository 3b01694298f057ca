import type { ReconcileResult } from '@kplug/sdk';
import { type Connection, createConnection } from 'mariadb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { installMariaDb } from '../databases/install-mariadb.ts';
import { type MariaDb, startMariaDb } from '../databases/mariadb.ts';
import type { MariaDbExtension } from '../table.ts';
import { describeContract, failure, type Subject } from './contract.ts';
import { quote } from './mariadb/connection.ts';
import { mariaDbTypes } from './mariadb/layout.ts';
import { finalize, reconcile } from './mariadb.ts';
import { describeRenames } from './renames.ts';
import { inputOf, type TestTable } from './testing.ts';
import { describeTypeChanges } from './type-changes.ts';

await installMariaDb(console.error);

const kind = 'DatabaseTableMariaDbExtension';
let server: MariaDb;
let db: Connection;

beforeAll(async () => {
  server = await startMariaDb();
  Object.assign(process.env, server.env);
  db = await connect(server);
});
afterAll(async () => {
  await db?.end();
  await server?.stop();
});

const subject: Subject<typeof kind> = {
  ...{ database: 'MariaDB', kind, types: mariaDbTypes, reconcile, finalize, quote, sql, clear },
};
describeContract(subject);
describeRenames(subject);
describeTypeChanges(subject, {
  literal: (type, value) => {
    if (/^(string|json|uuid)$/.test(type)) return db.escape(value);
    if (/^(NaN|infinity)$/i.test(value)) return undefined;
    if (type === 'bytes') return `X'${value}'`;
    if (type === 'timestamp') return db.escape(value);
    return type === 'float64' && !value.includes('e') ? `${value}e0` : value;
  },
  text: (column, type) => (type === 'bytes' ? `lower(hex(${column}))` : `CAST(${column} AS CHAR)`),
});

describe('MariaDB', () => {
  const columns = { id: 'uint64', name: 'string' };
  const pass = (table: TestTable<typeof kind>) => reconcile(inputOf(kind, table));
  const statusOf = (result: ReconcileResult) => result.extensions?.[0]?.status;
  beforeEach(clear);

  it('stores the table in the wanted engine, also after a change', async () => {
    await pass({ columns });
    await sql(`INSERT INTO users VALUES (18446744073709551615, 'Ada')`);
    for (const storageEngine of ['InnoDB', 'Aria', 'MyISAM', 'InnoDB'] as const) {
      const status = statusOf(await pass({ columns, extensions: [{ storageEngine }] }));
      expect(status).toEqual({ storageEngine, rows: 1, sizeBytes: expect.any(Number) });
    }
    const [stored] = await sql('SELECT CAST(id AS CHAR) AS id FROM users');
    expect(stored).toEqual({ id: '18446744073709551615' });
  });

  it.each(['InnoDB', 'Aria', 'MyISAM'] as const)('supports text and bytes as the primary key in %s', async (engine) => {
    for (const type of ['string', 'bytes']) {
      await pass({ name: type, columns: { id: type }, extensions: [{ storageEngine: engine }] });
      await sql(`INSERT INTO ${quote(type)} VALUES ('a'), ('A'), ('a '), ('ä')`);
      expect(await sql(`SELECT * FROM ${quote(type)}`)).toHaveLength(4);
    }
  });

  it('distinguishes json from text', async () => {
    await pass({ columns: { id: 'int32', data: 'string' } });
    await sql(`INSERT INTO users VALUES (1, 'no json')`);
    const error = await failure(pass({ columns: { id: 'int32', data: 'json' } }));
    expect(error).toMatchObject({ code: 'Terminal', reason: 'DataDoesNotFit' });
    await sql(`UPDATE users SET data = '[1]'`);
    const last = await pass({ columns: { id: 'int32', data: 'json' } });
    await expect(sql(`UPDATE users SET data = 'no json'`)).rejects.toThrow();
    expect((await pass({ columns: { id: 'int32', data: 'json' }, last })).events).toEqual([]);
    await pass({ columns: { id: 'int32', data: 'string' } });
    await sql(`UPDATE users SET data = 'no json'`);
  });

  it.each(['InnoDB', 'Aria', 'MyISAM'] as const)('changes everything or nothing in %s', async (storageEngine) => {
    const extensions: MariaDbExtension['spec'][] = [{ storageEngine }];
    await pass({ columns: { ...columns, age: 'string' }, extensions });
    await sql(`INSERT INTO users VALUES (1, 'Ada', 'many')`);
    const before = await sql('SHOW CREATE TABLE users');
    const error = await failure(pass({ columns: { age: 'int32', email: 'string' }, extensions: [{}] }));
    expect(error).toMatchObject({ code: 'Terminal', reason: 'DataDoesNotFit' });
    expect(await sql('SHOW CREATE TABLE users')).toEqual(before);
  });

  it('does not cut text that becomes the primary key', async () => {
    await pass({ columns: { id: 'int32', name: 'string', data: 'bytes' } });
    await sql(
      `INSERT INTO users VALUES (1, repeat('x', 240), repeat('y', 960)), (2, repeat('x', 241), repeat('y', 961))`,
    );
    for (const [key, type, limit] of [
      ['name', 'string', 'varchar(240)'],
      ['data', 'bytes', 'varbinary(960)'],
    ] as const) {
      const error = await failure(pass({ columns: { [key]: type, id: 'int32' } }));
      expect(error).toMatchObject({ code: 'Terminal', reason: 'DataDoesNotFit' });
      expect(error.message).toContain(
        `${limit}, as 1 of 2 rows would not keep the value. The first one, id = "2", has`,
      );
    }
    await sql('DELETE FROM users WHERE id = 2');
    await pass({ columns: { name: 'string', id: 'int32', data: 'bytes' } });
    expect(await sql('SELECT length(name) AS length FROM users')).toEqual([{ length: 240 }]);
  });

  it.each(['InnoDB', 'Aria', 'MyISAM'] as const)(
    'lets no other client write between the check and the change in %s',
    async (storageEngine) => {
      const extensions = [{ storageEngine }];
      await pass({ columns: { id: 'int32', height: 'float64' }, extensions });
      const other = await connect(server);
      try {
        await other.query('LOCK TABLES users WRITE');
        const changing = failure(pass({ columns: { id: 'int32', height: 'int32' }, extensions }));
        const waiting = `SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock%'`;
        await expect.poll(async () => (await other.query(waiting)).length).toBe(1);
        await other.query('INSERT INTO users VALUES (1, 1.5)');
        await other.query('UNLOCK TABLES');
        expect((await changing).message).toContain('has "1.5", which would become "2"');
      } finally {
        await other.end();
      }
    },
  );

  it('keeps the values of types and character sets that another client chose', async () => {
    await sql(
      `CREATE TABLE users (id int PRIMARY KEY, a varchar(9), b float, c timestamp NULL, d smallint unsigned, e date, f enum('x','y'), g text)
         CHARACTER SET latin1`,
    );
    const wanted = {
      ...{
        id: 'int32',
        a: 'string',
        b: 'float64',
        c: 'timestamp',
        d: 'int32',
        e: 'timestamp',
        f: 'string',
        g: 'string',
      },
    };
    await sql(`SET time_zone = '+05:00'`);
    await sql(`INSERT INTO users VALUES (1, 'é ', 0.5, '2024-01-02 03:04:05', 65535, '2024-01-02', 'y', 'ß')`);
    await sql(`SET time_zone = '+00:00'`);
    await pass({ columns: wanted });
    const cast = (name: string) => `CAST(${name} AS CHAR) AS ${name}`;
    expect(await sql(`SELECT id, a, b, ${cast('c')}, d, ${cast('e')}, f, g FROM users`)).toEqual([
      {
        ...{ id: 1, a: 'é ', b: 0.5, c: '2024-01-01 22:04:05.000000', d: 65535, e: '2024-01-02 00:00:00.000000' },
        ...{ f: 'y', g: 'ß' },
      },
    ]);
    await sql(`UPDATE users SET g = '😀'`);
  });

  it('reports that its changes are not transactional', async () => {
    const { conditions } = await pass({ columns });
    expect(conditions).toEqual([expect.objectContaining({ type: 'Transactional', status: false })]);
  });

  it('corrects an engine that another client changed', async () => {
    const last = await pass({ columns });
    await sql('ALTER TABLE users ENGINE = Aria');
    const result = await pass({ columns, last });
    expect(result.events?.[0]).toMatchObject({
      reason: 'DriftCorrected',
      message: expect.stringContaining('changed storageEngine from Aria to InnoDB'),
    });
  });
});

describe('MariaDB that is unavailable', () => {
  const input = inputOf(kind, { columns: { id: 'uint64', name: 'string' } });
  beforeEach(clear);
  afterEach(() => vi.unstubAllEnvs());

  it('is retried when another client holds a lock', async () => {
    await reconcile(input);
    await sql('START TRANSACTION');
    await sql('SELECT * FROM users');
    const error = await failure(reconcile(inputOf(kind, { columns: { id: 'uint64' } })));
    await sql('COMMIT');
    expect(error).toMatchObject({ code: 'Retry', reason: 'DatabaseBusy' });
  });

  it('is retried when the password is wrong', async () => {
    vi.stubEnv('MARIADB_PASSWORD', 'wrong');
    expect(await failure(reconcile(input))).toMatchObject({ code: 'Retry', reason: 'AccessDenied' });
    vi.stubEnv('MARIADB_PASSWORD', server.env.MARIADB_PASSWORD);
    vi.stubEnv('MARIADB_DATABASE', 'nowhere');
    expect(await failure(reconcile(input))).toMatchObject({ code: 'Retry', reason: 'AccessDenied' });
  });

  it('is retried when the server stops during a call or before', async () => {
    const other = await startMariaDb();
    for (const [name, value] of Object.entries(other.env)) vi.stubEnv(name, value);
    const blocker = await connect(other);
    blocker.on('error', () => {});
    try {
      await reconcile(input);
      await blocker.query('LOCK TABLES users WRITE');
      const calling = failure(reconcile(inputOf(kind, { columns: { id: 'uint64' } })));
      const waiting = `SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock%'`;
      await expect.poll(async () => (await blocker.query(waiting)).length).toBe(1);
      await other.stop();
      expect(await calling).toMatchObject({ code: 'Retry', reason: 'DatabaseUnavailable' });
    } finally {
      blocker.destroy();
      await other.stop();
    }
    for (const call of [reconcile, finalize]) {
      const error = await failure(call(input));
      expect(error).toMatchObject({ code: 'Retry', reason: 'DatabaseUnavailable' });
      expect(error.message).toMatch(/MariaDB can't be reached: .*ECONNREFUSED/);
    }
  });
});

function connect({ env }: MariaDb): Promise<Connection> {
  return createConnection({
    host: env.MARIADB_HOST,
    port: Number(env.MARIADB_PORT),
    user: env.MARIADB_USER,
    password: env.MARIADB_PASSWORD,
    database: env.MARIADB_DATABASE,
  });
}

async function sql(statement: string): Promise<Record<string, unknown>[]> {
  const rows: unknown = await db.query(statement);
  return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : [];
}

async function clear() {
  await sql(`DROP DATABASE ${server.env.MARIADB_DATABASE}`);
  await sql(`CREATE DATABASE ${server.env.MARIADB_DATABASE}`);
  await sql(`USE ${server.env.MARIADB_DATABASE}`);
}
