import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Change, describe as describeChange, driftAmong, plan } from './plan.ts';
import type { Layout } from './table.ts';

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
      { kind: 'changeType', name: 'id', type: 'integer', from: 'bigint' },
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

  it('is case-sensitive', () => {
    const wanted = { ...users, columns: [users.columns[0] ?? { name: '', type: '' }, { name: 'Name', type: 'text' }] };
    expect(plan(wanted, users).map(({ kind }) => kind)).toEqual(['dropColumn', 'addColumn']);
  });

  it('converts any table into any other', () => {
    fc.assert(
      fc.property(layouts, layouts, (wanted, actual) => {
        const reached = apply(actual, plan(wanted, actual));
        expect(plan(wanted, reached)).toEqual([]);
        expect(new Set(reached.columns.map(({ name, type }) => `${name} ${type}`))).toEqual(
          new Set(wanted.columns.map(({ name, type }) => `${name} ${type}`)),
        );
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

const layouts: fc.Arbitrary<Layout> = fc
  .uniqueArray(
    fc.record({ name: fc.constantFrom('a', 'b', 'c', '__proto__', 'toString'), type: fc.constantFrom('x', 'y') }),
    { minLength: 1, selector: ({ name }) => name },
  )
  .map((columns) => ({ columns, primaryKey: columns.slice(0, 1).map(({ name }) => name), options: { strict: true } }));

function apply(layout: Layout, changes: Change[]): Layout {
  const reached = structuredClone(layout);
  for (const change of changes) {
    if (change.kind === 'changePrimaryKey') reached.primaryKey = change.to;
    else if (change.kind === 'changeOption') reached.options[change.name] = change.to;
    else {
      reached.columns = reached.columns.filter(({ name }) => name !== change.name);
      if (change.kind !== 'dropColumn') reached.columns.push({ name: change.name, type: change.type });
    }
  }
  return reached;
}
