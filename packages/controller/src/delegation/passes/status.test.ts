import { describe, expect, it } from 'vitest';
import type { StatusChange } from '../../clients/plugin-call.ts';
import { PluginName } from '../../names.ts';
import { readConditions } from '../../resources/conditions.ts';
import type { JsonObject, Resource } from '../../resources/resource.ts';
import { composeStatus, holdersOf, type PluginStatement, type StatusReport } from './status.ts';

const noon = () => new Date('2026-01-01T12:00:00.500Z');
const later = () => new Date('2026-01-01T13:00:00.000Z');

function base(status?: Resource['status'], generation = 1): Resource {
  const times = { resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const metadata = { name: 'users', uid: 'u', generation, ...times };
  return { apiVersion: 'v1', kind: 'Table', metadata, ...(status ? { status } : {}) };
}

function statement(plugin: string, given: Partial<PluginStatement> = {}): PluginStatement {
  const reference = { plugin: new PluginName(plugin), version: '1.0.0', api: 'Table', apiVersion: '1.0.0' };
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
  it('keeps the time of the last transition while the status of a condition stays the same', () => {
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

  it('is unchanged when nothing changed', () => {
    const answered = report({ statements: [statement('A', { status: rows(1) })] });
    const first = composeStatus(base(), answered, noon);
    expect(composeStatus(base(first), answered, later)).toEqual(first);
  });

  it('keeps the status of a plugin that returns none, and drops it when another plugin reconciles', () => {
    const condition = { type: 'Backup', status: 'True', reason: 'Done', message: '' } as const;
    const answer = statement('A', { status: rows(1), conditions: [condition] });
    const first = composeStatus(base(), report({ statements: [answer] }), noon);
    const same = composeStatus(base(first), report({ statements: [statement('A')] }), noon);
    expect(same).toMatchObject({ rows: 1, implementation: 'A' });
    expect(readConditions(same).map(({ type }) => type)).toEqual(['Backup', 'Ready']);
    const other = composeStatus(base(first), report({ statements: [statement('B')] }), noon);
    expect(other).not.toHaveProperty('rows');
    expect(readConditions(other).map(({ type }) => type)).toEqual(['Ready']);
  });

  it('keeps the status of a plugin that changes only the case of its name', () => {
    const condition = { type: 'Backup', status: 'True', reason: 'Done', message: '' } as const;
    for (const mode of ['one', 'all'] as const) {
      const spelled = (name: string, given: Partial<PluginStatement> = {}) =>
        report({ statements: [statement(name, given)], mode });
      const first = composeStatus(base(), spelled('Alpha', { status: rows(1), conditions: [condition] }), noon);
      const second = composeStatus(base(first), spelled('ALPHA', { status: rows(1, 'merge') }), noon);
      const third = composeStatus(base(second), spelled('alpha'), noon);
      expect(third.implementation).toBe('alpha');
      expect(mode === 'one' ? third : (third.implementations as JsonObject).alpha).toMatchObject({ rows: 1 });
      expect(readConditions(third).map(({ type }) => type)).toEqual(['Backup', 'Ready']);
    }
  });

  it('keeps the controller’s other conditions', () => {
    const selected = { type: 'PluginSelected', status: 'True', reason: 'Preferred', message: '' } as const;
    const first = composeStatus(base(), report({ conditions: [selected] }), noon);
    expect(readConditions(composeStatus(base(first), report(), noon)).map(({ type }) => type)).toEqual([
      'PluginSelected',
      'Ready',
    ]);
  });

  it('cuts an overlong message', () => {
    const wordy = { type: 'Ready', status: 'False', reason: 'Wordy', message: 'x'.repeat(100_000) } as const;
    expect(readConditions(composeStatus(base(), report({ conditions: [wordy] }), noon))[0]?.message).toHaveLength(
      2_048,
    );
  });
});

describe('holdersOf', () => {
  it('returns the plugins that reconciled a resource, one or several', () => {
    expect(holdersOf(base())).toEqual([]);
    const one = composeStatus(base(), report({ statements: [statement('A')] }), noon);
    expect(holdersOf(base(one))).toEqual([
      { plugin: new PluginName('A'), version: '1.0.0', api: 'Table', apiVersion: '1.0.0' },
    ]);
    const all = composeStatus(base(), report({ statements: [statement('A'), statement('B')], mode: 'all' }), noon);
    expect(holdersOf(base(all)).map(({ plugin }) => plugin.text)).toEqual(['A', 'B']);
  });

  it('ignores a malformed status', () => {
    for (const plugin of ['A', 7, null, { name: 'A' }, []]) expect(holdersOf(base({ plugin }))).toEqual([]);
    expect(readConditions({ conditions: [null, 'x', { type: 'Ready' }] })).toEqual([]);
  });
});
