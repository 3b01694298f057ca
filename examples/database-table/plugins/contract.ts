import { PluginError, type ReconcileResult } from '@kplug/sdk';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ColumnTypes } from '../column-types.ts';
import type { TableExtensions, TableInput } from '../table.ts';
import { inputOf, type TestTable } from './testing.ts';

/** Plugin under test, with direct access to its database. */
export interface Subject<Kind extends keyof TableExtensions> {
  database: string;
  kind: Kind;
  types: ColumnTypes;
  reconcile(input: TableInput<Kind>): ReconcileResult | Promise<ReconcileResult>;
  finalize(input: TableInput<Kind>): unknown;
  quote(name: string): string;
  sql(statement: string): Promise<Record<string, unknown>[]>;
  /** Removes all tables. */
  clear(): Promise<void>;
}

/** Tests of every plugin for this API, whatever its database. */
export function describeContract<Kind extends keyof TableExtensions>(subject: Subject<Kind>): void {
  const { database, kind, types, quote: q, sql } = subject;
  const reconcile = async (table: TestTable<Kind>) => subject.reconcile(inputOf(kind, table));
  const finalize = async (table: TestTable<Kind>) => subject.finalize(inputOf(kind, table));
  const reasons = (result: ReconcileResult) => result.events?.map(({ reason }) => reason);
  const columns = { id: 'uint64', name: 'string', age: 'int32' };

  describe(`${database} as any database`, () => {
    beforeEach(() => subject.clear());

    it('creates the table', async () => {
      const result = await reconcile({ columns });
      await sql(`INSERT INTO users (id, name, age) VALUES (1, 'Ada', 36)`);
      expect(await sql('SELECT name FROM users WHERE id = 1')).toEqual([{ name: 'Ada' }]);
      await expect(sql(`INSERT INTO users (id) VALUES (1)`), 'the first column is the primary key').rejects.toThrow();
      expect(result.status).toMatchObject({
        table: {
          database,
          name: 'users',
          columns: [
            { name: 'id', type: types.uint64 },
            { name: 'name', type: types.string },
            { name: 'age', type: types.int32 },
          ],
          primaryKey: ['id'],
        },
      });
      expect(reasons(result)).toEqual(['TableCreated']);
      expect(result.requeueAfter).toBe(30_000);
    });

    it('changes nothing in a table that is up to date, for all types', async () => {
      const { decimal: _, ...plain } = types;
      const every = Object.fromEntries(Object.keys(plain).map((type) => [`a_${type}`, type]));
      const table = { columns: { id: 'uuid', ...every, price: 'decimal(12,2)' } };
      const first = await reconcile(table);
      const second = await reconcile({ ...table, last: first });
      expect(second.messages).toEqual([{ reason: 'Unchanged', text: `${database} table users is up to date.` }]);
      expect(second.events).toEqual([]);
      expect(second.status).toEqual(first.status);
      for (const type of Object.keys(plain).filter((name) => name !== 'json')) {
        await subject.clear();
        const key = await reconcile({ columns: { id: type } });
        const again = await reconcile({ columns: { id: type }, last: key });
        expect(again.events, `${type} as the primary key`).toEqual([]);
      }
    });

    it('adds, drops and changes columns, and keeps the rows', async () => {
      const last = await reconcile({ columns });
      await sql(`INSERT INTO users (id, name, age) VALUES (1, 'Ada', 36)`);
      const result = await reconcile({ columns: { id: 'uint64', age: 'string', email: 'string' }, last });
      expect(await sql('SELECT * FROM users')).toEqual([{ id: expect.anything(), age: '36', email: null }]);
      expect(reasons(result)).toEqual(['TableChanged']);
      expect(result.messages?.[0]?.text).toBe(
        `${database} table users: dropped column name (${types.string}) with 1 value; ` +
          `changed column age from ${types.int32} to ${types.string}; added column email (${types.string}).`,
      );
    });

    it('changes the primary key with the first column, and makes the previous one nullable', async () => {
      await reconcile({ columns });
      await sql(`INSERT INTO users (id, name, age) VALUES (1, 'Ada', 36)`);
      const result = await reconcile({ columns: { age: 'int32', id: 'uint64', name: 'string' } });
      expect(result.status).toMatchObject({ table: { primaryKey: ['age'] } });
      await sql(`INSERT INTO users (age) VALUES (41)`);
      await expect(sql(`INSERT INTO users (age) VALUES (36)`)).rejects.toThrow();
      expect(await sql('SELECT id, name FROM users WHERE age = 41')).toEqual([{ id: null, name: null }]);
    });

    it('rejects unknown types, and lists the supported ones', async () => {
      const error = await failure(reconcile({ columns: { ...columns, price: 'money', rank: 'toString' } }));
      expect(error).toMatchObject({ code: 'Terminal', reason: 'UnsupportedColumnType' });
      expect(error.message).toMatch(/column "price" has the type "money", column "rank" has the type "toString"/);
      expect(error.message).toMatch(/uint64, int64, .*decimal/);
      await expect(sql('SELECT * FROM users')).rejects.toThrow();
    });

    it('changes nothing if data cannot be converted, and names the column', async () => {
      await reconcile({ columns });
      await sql(`INSERT INTO users (id, name, age) VALUES (1, 'Ada', 36), (2, 'Bob', 41)`);
      const edit = { id: 'uint64', name: 'int64', email: 'string' };
      const error = await failure(reconcile({ columns: edit }));
      expect(error).toMatchObject({ code: 'Terminal', reason: 'DataDoesNotFit' });
      expect(error.message).toMatch(/\bname\b.*Nothing was changed\. Correct the data or the columns/);
      const rows = await sql('SELECT * FROM users ORDER BY id');
      expect(rows.map(({ name, age }) => [name, age])).toEqual([
        ['Ada', 36],
        ['Bob', 41],
      ]);
      await sql(`UPDATE users SET name = '7'`);
      await reconcile({ columns: edit });
      expect(Object.keys((await sql('SELECT * FROM users'))[0] ?? {}).sort()).toEqual(['email', 'id', 'name']);
    });

    it('corrects drift, and reports it separately from edits', async () => {
      const last = await reconcile({ columns });
      await sql('ALTER TABLE users DROP COLUMN age');
      await sql(`ALTER TABLE users ADD COLUMN extra ${types.int32}`);
      const result = await reconcile({ columns: { ...columns, email: 'string' }, last });
      expect(result.events?.[0]).toEqual({
        type: 'Warning',
        reason: 'DriftCorrected',
        message:
          'Another client had altered table users. Corrected: ' +
          `dropped column extra (${types.int32}); added column age (${types.int32}).`,
      });
      expect(result.events?.slice(1)).toEqual([
        { reason: 'TableChanged', message: `${database} table users: added column email (${types.string}).` },
      ]);
      expect(reasons(await reconcile({ columns: { ...columns, email: 'string' }, last: result }))).toEqual([]);
    });

    it('creates a table again that another client dropped', async () => {
      const last = await reconcile({ columns });
      await sql('DROP TABLE users');
      expect(reasons(await reconcile({ columns, last }))).toEqual(['DriftCorrected']);
      await subject.clear();
      const { status } = last as { status: { table: object } };
      const fromElsewhere = { status: { table: { ...status.table, database: 'Other' } } };
      expect(reasons(await reconcile({ columns, last: fromElsewhere }))).toEqual(['TableCreated']);
    });

    it('quotes names', async () => {
      await reconcile({ name: 'bystander', columns });
      const names = [
        'select',
        'a"b',
        'c`d',
        "e'f",
        'Größe',
        '"; DROP TABLE bystander; --',
        '`); DROP TABLE bystander; --',
      ];
      const table = {
        name: 'order',
        columns: { table: 'int32', ...Object.fromEntries(names.map((n) => [n, 'int32'])) },
      };
      const last = await reconcile(table);
      expect((await reconcile({ ...table, last })).events).toEqual([]);
      const rows = await sql(`SELECT ${names.map(q).join(', ')} FROM ${q('order')}`);
      expect(rows).toEqual([]);
      const texts = Object.fromEntries(names.map((name) => [name, 'string']));
      await reconcile({ name: 'order', columns: { table: 'int32', ...texts } });
      await reconcile({ name: 'order', columns: { table: 'int32' } });
      await finalize(table);
      await expect(sql(`SELECT * FROM ${q('order')}`)).rejects.toThrow();
      expect(await sql('SELECT * FROM bystander')).toEqual([]);
    });

    it('keeps tables of different namespaces apart', async () => {
      await reconcile({ columns });
      await reconcile({ namespace: 'team', columns: { id: 'int32' } });
      await finalize({ columns });
      expect(await sql(`SELECT id FROM ${q('team/users')}`)).toEqual([]);
    });

    it('drops the table, idempotently', async () => {
      await finalize({ columns });
      await reconcile({ columns });
      await finalize({ columns });
      await expect(sql('SELECT * FROM users')).rejects.toThrow();
      await finalize({ columns });
    });

    it('does not change an object that is not a table', async () => {
      await reconcile({ name: 'bystander', columns });
      await sql('CREATE VIEW users AS SELECT * FROM bystander');
      expect(await failure(reconcile({ columns }))).toMatchObject({ code: 'Terminal', reason: 'NameTaken' });
      await sql('DROP VIEW users');
    });

    it('supports concurrent calls for one table', async () => {
      const results = await Promise.allSettled([
        reconcile({ columns }),
        reconcile({ columns }),
        reconcile({ columns }),
      ]);
      expect(results.map((result) => (result.status === 'fulfilled' ? 'done' : result.reason))).toEqual([
        'done',
        'done',
        'done',
      ]);
    });
  });
}

/** Returns the `PluginError` with which a promise rejects. */
export async function failure(promise: Promise<unknown>): Promise<PluginError> {
  const error = await promise.then(
    () => new Error('It should have failed.'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PluginError);
  return error as PluginError;
}
