import { describe, expect, it } from 'vitest';
import type { StatusChange } from '../clients/plugin-call.ts';
import type { Resource } from '../resources/resource.ts';
import { readConditions } from './conditions.ts';
import { composeStatus, holdersOf, type PluginStatement, type StatusReport } from './status.ts';

const noon = () => new Date('2026-01-01T12:00:00.500Z');
const later = () => new Date('2026-01-01T13:00:00.000Z');

function base(status?: Resource['status'], generation = 1): Resource {
  const times = { resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const metadata = { name: 'users', uid: 'u', generation, ...times };
  return { apiVersion: 'v1', kind: 'Table', metadata, ...(status ? { status } : {}) };
}

function statement(plugin: string, given: Partial<PluginStatement> = {}): PluginStatement {
  const reference = { plugin, version: '1.0.0', api: 'Table', apiVersion: '1.0.0' };
  return { plugin: reference, status: undefined, conditions: undefined, ...given };
}

function rows(count: number, way: StatusChange['way'] = 'replace'): StatusChange {
  return { fields: { rows: count }, way };
}

function report(given: Partial<StatusReport> = {}): StatusReport {
  const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: '' } as const;
  return { conditions: [ready], statements: undefined, mode: 'one', ...given };
}

describe('composeStatus', () => {
  it('keeps the time of the last transition as long as the status of a condition is the same', () => {
    const first = composeStatus(base(), report(), noon);
    const second = composeStatus(base(first, 2), report(), later);
    expect(readConditions(second)).toEqual([
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: '',
        observedGeneration: 2,
        lastTransitionTime: '2026-01-01T12:00:00Z',
      },
    ]);
    const failed = { type: 'Ready', status: 'False', reason: 'Broken', message: '' } as const;
    const third = composeStatus(base(second, 2), report({ conditions: [failed] }), later);
    expect(readConditions(third)[0]).toMatchObject({ status: 'False', lastTransitionTime: '2026-01-01T13:00:00Z' });
  });

  it('is the same when there is nothing new to say', () => {
    const said = report({ statements: [statement('A', { status: rows(1) })] });
    const first = composeStatus(base(), said, noon);
    expect(composeStatus(base(first), said, later)).toEqual(first);
  });

  it('leaves what a plugin said when it says nothing new, and drops it when another one speaks', () => {
    const condition = { type: 'Backup', status: 'True', reason: 'Done', message: '' } as const;
    const said = statement('A', { status: rows(1), conditions: [condition] });
    const first = composeStatus(base(), report({ statements: [said] }), noon);
    const same = composeStatus(base(first), report({ statements: [statement('A')] }), noon);
    expect(same).toMatchObject({ rows: 1, implementation: 'A' });
    expect(readConditions(same).map(({ type }) => type)).toEqual(['Backup', 'Ready']);
    const other = composeStatus(base(first), report({ statements: [statement('B')] }), noon);
    expect(other).not.toHaveProperty('rows');
    expect(readConditions(other).map(({ type }) => type)).toEqual(['Ready']);
  });

  it('keeps the controller’s other conditions', () => {
    const selected = { type: 'PluginSelected', status: 'True', reason: 'Preferred', message: '' } as const;
    const first = composeStatus(base(), report({ conditions: [selected] }), noon);
    expect(readConditions(composeStatus(base(first), report(), noon)).map(({ type }) => type)).toEqual([
      'PluginSelected',
      'Ready',
    ]);
  });

  it('cuts a message that nobody would read to its end', () => {
    const wordy = { type: 'Ready', status: 'False', reason: 'Wordy', message: 'x'.repeat(100_000) } as const;
    expect(readConditions(composeStatus(base(), report({ conditions: [wordy] }), noon))[0]?.message).toHaveLength(
      2_048,
    );
  });
});

describe('holdersOf', () => {
  it('names who holds a resource, one or several', () => {
    expect(holdersOf(base())).toEqual([]);
    const one = composeStatus(base(), report({ statements: [statement('A')] }), noon);
    expect(holdersOf(base(one))).toEqual([{ plugin: 'A', version: '1.0.0' }]);
    const all = composeStatus(base(), report({ statements: [statement('A'), statement('B')], mode: 'all' }), noon);
    expect(holdersOf(base(all)).map(({ plugin }) => plugin)).toEqual(['A', 'B']);
  });

  it('makes nothing of a status that somebody has spoiled', () => {
    for (const plugin of ['A', 7, null, { name: 'A' }, []]) expect(holdersOf(base({ plugin }))).toEqual([]);
    expect(readConditions({ conditions: [null, 'x', { type: 'Ready' }] })).toEqual([]);
  });
});
