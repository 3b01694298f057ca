import type { ReconcileResult } from '@kplug/sdk';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Column, TableExtensions } from '../table.ts';
import { failure, type Subject } from './contract.ts';
import { inputOf } from './testing.ts';

/** Tests of renamed columns, whatever the database: a column keeps its values under its new name. */
export function describeRenames<Kind extends keyof TableExtensions>(subject: Subject<Kind>): void {
  const { database, kind, sql, quote: q } = subject;

  /** Reconciles columns such as `name type < former name`. */
  const reconcile = async (columns: string[], last?: ReconcileResult) =>
    subject.reconcile(inputOf(kind, { columns: columns.map(columnOf), ...(last && { last }) }));
  const summary = (result: ReconcileResult) => result.messages?.[0]?.text;
  const rows = async () => {
    const found = await sql('SELECT * FROM users');
    const value = (cell: unknown) => (cell === null ? null : String(cell));
    return found.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, value(cell)])));
  };

  describe(`renames in ${database}`, () => {
    beforeEach(async () => {
      await subject.clear();
      await reconcile(['id int32', 'a string', 'b string']);
      await sql(`INSERT INTO users VALUES (1, 'from a', 'from b')`);
    });

    it('keep the values, once', async () => {
      const wanted = ['id int32', 'c string < a', 'b string'];
      const result = await reconcile(wanted);
      expect(summary(result)).toBe(`${database} table users: renamed column a to c.`);
      expect(result.events).toEqual([expect.objectContaining({ reason: 'TableChanged' })]);
      expect(await rows()).toEqual([{ id: '1', c: 'from a', b: 'from b' }]);
      for (const last of [result, undefined]) {
        expect((await reconcile(wanted, last)).messages?.[0]?.reason).toBe('Unchanged');
      }
    });

    it('change the type in the same pass, or nothing', async () => {
      const wanted = ['id int32', 'c int32 < a', 'b string'];
      const { message } = await failure(reconcile(wanted));
      expect(message).toMatch(/column "c" \(now "a"\) can't change .* 1 of 1 row .* id = "1", has "from a"/);
      expect(await rows()).toEqual([{ id: '1', a: 'from a', b: 'from b' }]);
      await sql(`UPDATE users SET a = '7'`);
      await reconcile(wanted);
      expect(await rows()).toEqual([{ id: '1', c: '7', b: 'from b' }]);
    });

    it('rename the primary key', async () => {
      const result = await reconcile(['key int32 < id', 'a string', 'b string']);
      expect(summary(result)).toBe(`${database} table users: renamed column id to key.`);
      expect(await rows()).toEqual([{ key: '1', a: 'from a', b: 'from b' }]);
      await expect(sql(`INSERT INTO users VALUES (1, 'x', 'y')`)).rejects.toThrow();
    });

    it('rename a column whose name only has other capitals', async () => {
      const wanted = ['ID int32', 'A string', 'b string'];
      const result = await reconcile(wanted);
      expect(summary(result)).toBe(`${database} table users: renamed column id to ID; renamed column a to A.`);
      expect(await rows()).toEqual([{ ID: '1', A: 'from a', b: 'from b' }]);
      expect((await reconcile(wanted)).messages?.[0]?.reason).toBe('Unchanged');
    });

    it('follow a chain', async () => {
      const wanted = ['id int32', 'b string < a', 'c string < b'];
      await reconcile(wanted);
      expect(await rows()).toEqual([{ id: '1', b: 'from a', c: 'from b' }]);
      expect((await reconcile(wanted)).messages?.[0]?.reason).toBe('Unchanged');
    });

    it('swap columns once, also if the status was lost', async () => {
      const wanted = ['id int32', 'b string < a', 'a string < b'];
      const result = await reconcile(wanted);
      const swapped = [{ id: '1', a: 'from b', b: 'from a' }];
      expect(await rows()).toEqual(swapped);
      for (const last of [result, undefined]) {
        expect((await reconcile(wanted, last)).messages?.[0]?.reason).toBe('Unchanged');
      }
      await sql(`UPDATE users SET a = '7', b = '8'`);
      const typed = ['id int32', 'b int64 < a', 'a int64 < b'];
      await reconcile(typed);
      expect((await reconcile(typed)).messages?.[0]?.reason).toBe('Unchanged');
      expect(await rows()).toEqual([{ id: '1', a: '7', b: '8' }]);
      await reconcile(['id int32', 'a int64', 'b int64']);
      await reconcile(typed);
      expect(await rows(), 'another swap').toEqual([{ id: '1', a: '8', b: '7' }]);
    });

    it('swap columns with different types', async () => {
      await sql(`UPDATE users SET a = '7'`);
      await reconcile(['id int32', 'a int32', 'b string']);
      await reconcile(['id int32', 'b int32 < a', 'a string < b']);
      expect(await rows()).toEqual([{ id: '1', a: 'from b', b: '7' }]);
    });

    it('swap columns without values, for any types', async () => {
      await sql('DROP TABLE users');
      await reconcile(['key int32', 'a int32', 'b uuid']);
      const wanted = ['id uuid < key', 'b uuid < a', 'a int32 < b'];
      const result = await reconcile(wanted);
      expect(result.status).toMatchObject({ table: { primaryKey: ['id'] } });
      expect((await reconcile(wanted)).messages?.[0]?.reason).toBe('Unchanged');
    });

    it('do not swap columns of a table that is created with their former names', async () => {
      const wanted = ['id int32', 'b string < a', 'a string < b'];
      await sql('DROP TABLE users');
      await reconcile(wanted);
      await sql(`INSERT INTO users (id, a, b) VALUES (1, 'a', 'b')`);
      expect((await reconcile(wanted)).messages?.[0]?.reason).toBe('Unchanged');
      await sql(`ALTER TABLE users DROP COLUMN a`);
      await reconcile([...wanted, 'c string']);
      await sql(`UPDATE users SET a = 'a'`);
      expect((await reconcile([...wanted, 'c string'])).messages?.[0]?.reason).toBe('Unchanged');
      expect(await rows()).toEqual([{ id: '1', a: 'a', b: 'b', c: null }]);
    });

    it('are refused if the table has both columns', async () => {
      const error = await failure(reconcile(['id int32', 'b string < a']));
      expect(error).toMatchObject({ code: 'Terminal', reason: 'ColumnsConflict' });
      expect(error.message).toMatch(/^Column "b" is renamed from "a", but the table has both\. Nothing was changed\./);
      expect(await rows()).toEqual([{ id: '1', a: 'from a', b: 'from b' }]);
    });

    it('report how many values a dropped column had', async () => {
      await sql(`INSERT INTO users (id, b) VALUES (2, 'second')`);
      const result = await reconcile(['id int32']);
      expect(result.events?.[0]?.message).toMatch(
        /dropped column a \(.*\) with 1 value; dropped column b \(.*\) with 2 values\./,
      );
    });

    it('quote names', async () => {
      const names = [`x"; DROP TABLE users; --`, 'x`; DROP TABLE users; --', `'*/ comment`, 'Größe'];
      let former = 'a';
      for (const name of names) {
        const columns: Column[] = [
          { name: 'id', type: 'int32' },
          { name, type: 'string', renamedFrom: former },
          { name: former, type: 'string', renamedFrom: name },
          { name: 'b', type: 'string' },
        ];
        for (let pass = 0; pass < 2; pass++) await subject.reconcile(inputOf(kind, { columns }));
        expect(await sql(`SELECT ${q(name)} AS value FROM users`)).toEqual([{ value: 'from a' }]);
        await sql(`ALTER TABLE users DROP COLUMN ${q(former)}`);
        former = name;
      }
    });
  });
}

function columnOf(text: string): Column {
  const [name = '', type = '', , renamedFrom] = text.split(' ');
  return renamedFrom === undefined ? { name, type } : { name, type, renamedFrom };
}
