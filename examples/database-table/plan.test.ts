import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Change,
  describe as describeChange,
  driftAmong,
  plan,
  planOrRefuse,
  withRecordedRenames,
} from './plan.ts';
import { findOrigins } from './renames.ts';
import type { Column, Layout } from './table.ts';

const users: Layout = {
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'name', type: 'text' },
  ],
  primaryKey: ['id'],
  options: { engine: 'InnoDB' },
};

describe('plan', () => {
  it('is empty if the table is up to date, in any order of its columns', () => {
    expect(plan(users, users)).toEqual([]);
    expect(plan(users, { ...users, columns: users.columns.toReversed() })).toEqual([]);
  });

  it('drops, changes and adds columns, then changes the key and the options', () => {
    const wanted: Layout = {
      columns: [
        { name: 'email', type: 'text' },
        { name: 'id', type: 'integer' },
      ],
      primaryKey: ['email'],
      options: { engine: 'Aria' },
    };
    const changes = plan(wanted, users);
    expect(changes).toEqual([
      { kind: 'dropColumn', name: 'name', type: 'text' },
      { kind: 'changeType', name: 'id', type: 'integer', from: 'bigint', source: 'id' },
      { kind: 'addColumn', name: 'email', type: 'text' },
      { kind: 'changePrimaryKey', to: ['email'], from: ['id'], freed: [{ name: 'id', type: 'integer' }] },
      { kind: 'changeOption', name: 'engine', to: 'Aria', from: 'InnoDB' },
    ]);
    expect(changes.map(describeChange)).toEqual([
      'dropped column name (text)',
      'changed column id from bigint to integer',
      'added column email (text)',
      'changed the primary key from (id) to (email)',
      'changed engine from InnoDB to Aria',
    ]);
  });

  it('renames a column whose name has other capitals', () => {
    const wanted = layoutOf('ID bigint', 'Name text');
    expect(summary(plan(wanted, users))).toEqual(['renamed column id to ID', 'renamed column name to Name']);
    expect(summary(plan(wanted, { ...users, ...layoutOf('ID bigint', 'Name text', 'name text') }))).toEqual([
      'dropped column name (text)',
    ]);
  });

  it('does not guess which of several columns with other capitals is meant', () => {
    const actual = layoutOf('id bigint', 'NAME text', 'name text');
    expect(() => planOrRefuse(layoutOf('id bigint', 'Name text'), actual)).toThrow(
      'Column "Name" can be any of "NAME", "name", which differ only in capitals. Nothing was changed.',
    );
  });

  it.each([
    ['a rename', ['id x', 'b x < a'], ['id x', 'a x'], ['renamed column a to b']],
    ['a rename that was made', ['id x', 'b x < a'], ['id x', 'b x'], []],
    ['a rename of nothing', ['id x', 'b x < a'], ['id x'], ['added column b (x)']],
    ['a former name with other capitals', ['id x', 'b x < A'], ['id x', 'a x'], ['renamed column a to b']],
    ['a rename of the key', ['key x < id'], ['id x'], ['renamed column id to key']],
    [
      'a rename with a change of the type',
      ['id x', 'b y < a'],
      ['id x', 'a x'],
      ['renamed column a to b', 'changed column b from x to y'],
    ],
    [
      'a chain',
      ['id x', 'b x < a', 'c x < b'],
      ['id x', 'a x', 'b x'],
      ['renamed column a to b', 'renamed column b to c'],
    ],
    ['a chain that was made', ['id x', 'b x < a', 'c x < b'], ['id x', 'b x', 'c x'], []],
    [
      'a name that is reused',
      ['id x', 'b x', 'c x < b'],
      ['id x', 'b x'],
      ['renamed column b to c', 'added column b (x)'],
    ],
    [
      'a swap',
      ['id x', 'b x < a', 'a x < b'],
      ['id x', 'a x', 'b x'],
      ['renamed column a to b', 'renamed column b to a'],
    ],
    ['a swap that was made', ['id x', 'b x < a', 'a x < b'], ['id x', 'a x < b', 'b x < a'], []],
    [
      'a record of a rename that is no longer wanted',
      ['id x', 'b x', 'a x'],
      ['id x', 'a x < b', 'b x < a'],
      ['removed the record that column b was renamed from a', 'removed the record that column a was renamed from b'],
    ],
  ])('follows renamedFrom: %s', (_, wanted, actual, changes) => {
    expect(summary(planOrRefuse(layoutOf(...wanted), layoutOf(...actual)))).toEqual(changes);
  });

  it('refuses a rename if the table has both names, and only one is wanted', () => {
    expect(() => planOrRefuse(layoutOf('id x', 'b x < a'), layoutOf('id x', 'a x', 'b x'))).toThrow(
      'Column "b" is renamed from "a", but the table has both. Nothing was changed.',
    );
  });

  it('adds a column that another client dropped, if its former name is in use again', () => {
    const wanted = layoutOf('id x', 'b x', 'c x < b');
    expect(summary(plan(wanted, layoutOf('id x', 'b x'), wanted))).toEqual(['added column c (x)']);
    const renamed = layoutOf('id x', 'c x < b');
    expect(summary(plan(renamed, layoutOf('id x', 'b x'), renamed))).toEqual(['renamed column b to c']);
  });

  it('renames the column of an option', () => {
    const wanted = { ...layoutOf('id x', 'b x < a'), options: { partitionColumn: 'b' } };
    const actual = { ...layoutOf('id x', 'a x'), options: { partitionColumn: 'a' } };
    expect(summary(plan(wanted, actual))).toEqual(['renamed column a to b']);
  });

  it('converts any table into any other, and is then done', () => {
    fc.assert(
      fc.property(layouts, layouts, (wanted, actual) => {
        fc.pre(findOrigins(wanted, actual).conflicts.length === 0);
        const changes = plan(wanted, actual);
        const reached = apply(actual, changes);
        const recorded = withRecordedRenames(wanted, actual, changes);
        const stored = {
          ...reached,
          columns: reached.columns.map(({ name, type }) => ({
            name,
            type,
            renamedFrom: recorded.columns.find((column) => column.name === name)?.renamedFrom,
          })),
        };
        expect(planOrRefuse(wanted, stored)).toEqual([]);
        expect(new Set(reached.columns.map(({ name, type }) => `${name} ${type}`))).toEqual(
          new Set(wanted.columns.map(({ name, type }) => `${name} ${type}`)),
        );
      }),
    );
  });

  it('takes over the values of each column at most once, and of all that are still listed', () => {
    fc.assert(
      fc.property(layouts, layouts, (wanted, actual) => {
        const { columns, superfluous, conflicts } = findOrigins(wanted, actual);
        const sources = columns.flatMap(({ source }) => source ?? []);
        expect(new Set(sources).size).toBe(sources.length);
        expect([...sources, ...superfluous].length).toBe(actual.columns.length);
        fc.pre(conflicts.length === 0);
        for (const { name } of superfluous) {
          expect(wanted.columns.some((column) => column.name === name && column.renamedFrom === undefined)).toBe(false);
        }
      }),
    );
  });
});

describe('driftAmong', () => {
  it('is the difference from the reported table, without edits', () => {
    const wanted = {
      ...users,
      columns: [...users.columns, { name: 'email', type: 'text' }],
      options: { engine: 'Aria' },
    };
    const actual = {
      ...users,
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'extra', type: 'text' },
      ],
      primaryKey: [],
    };
    const drift = driftAmong(plan(wanted, actual), wanted, users);
    expect(drift.map(describeChange)).toEqual([
      'dropped column extra (text)',
      'added column name (text)',
      'changed the primary key from () to (id)',
    ]);
  });

  it('is everything without edits, and nothing if the table was not altered', () => {
    fc.assert(
      fc.property(layouts, layouts, (wanted, actual) => {
        const changes = plan(wanted, actual);
        expect(driftAmong(changes, wanted, wanted)).toEqual(changes);
        expect(driftAmong(changes, wanted, actual)).toEqual([]);
      }),
    );
  });
});

const names = ['a', 'b', 'c', 'A', '__proto__', 'toString'];

const layouts: fc.Arbitrary<Layout> = fc
  .uniqueArray(
    fc.record(
      {
        name: fc.constantFrom(...names),
        type: fc.constantFrom('x', 'y'),
        renamedFrom: fc.constantFrom(...names),
      },
      { requiredKeys: ['name', 'type'] },
    ),
    { minLength: 1, selector: ({ name }) => name.toLowerCase() },
  )
  .map((columns) =>
    columns.map((column, index) => (isPossible(column, columns.slice(0, index)) ? column : plain(column))),
  )
  .map((columns) => ({ columns, primaryKey: columns.slice(0, 1).map(({ name }) => name), options: { strict: true } }));

/** Reports whether the schema allows `renamedFrom` after other columns. */
function isPossible({ name, renamedFrom }: Column, others: Column[]): boolean {
  const isTaken = others.some((other) => other.renamedFrom?.toLowerCase() === renamedFrom?.toLowerCase());
  return renamedFrom !== undefined && renamedFrom !== name && !isTaken;
}

function plain({ name, type }: Column): Column {
  return { name, type };
}

/** Makes a layout of columns such as `name type < formerName`. */
function layoutOf(...columns: string[]): Layout {
  const parsed = columns.map((column): Column => {
    const [name = '', type = '', , renamedFrom] = column.split(' ');
    return renamedFrom === undefined ? { name, type } : { name, type, renamedFrom };
  });
  return { columns: parsed, primaryKey: parsed.slice(0, 1).map(({ name }) => name), options: {} };
}

function summary(changes: Change[]): string[] {
  return changes.map(describeChange);
}

function apply(layout: Layout, changes: Change[]): Layout {
  const reached = structuredClone(layout);
  const renamed = new Map(
    changes.flatMap((change) => (change.kind === 'renameColumn' ? [[change.from, change.name] as const] : [])),
  );
  const dropped = new Set(changes.flatMap((change) => (change.kind === 'dropColumn' ? [change.name] : [])));
  reached.columns = reached.columns
    .filter(({ name }) => !dropped.has(name))
    .map((column) => ({ ...column, name: renamed.get(column.name) ?? column.name }));
  for (const change of changes) {
    if (change.kind === 'changePrimaryKey') reached.primaryKey = change.to;
    else if (change.kind === 'changeOption') reached.options[change.name] = change.to;
    else if (change.kind === 'changeType' || change.kind === 'addColumn') {
      reached.columns = reached.columns.filter(({ name }) => name !== change.name);
      reached.columns.push({ name: change.name, type: change.type });
    }
  }
  if (!changes.some(({ kind }) => kind === 'changePrimaryKey')) {
    reached.primaryKey = reached.primaryKey.map((name) => renamed.get(name) ?? name);
  }
  return reached;
}
