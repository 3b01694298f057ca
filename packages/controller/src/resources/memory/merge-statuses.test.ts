import { describe, expect, it } from 'vitest';
import { mergeStatuses } from './merge-statuses.ts';

describe('mergeStatuses', () => {
  it('returns undefined for no statuses, and a single status unchanged', () => {
    const status = { rows: 1 };
    expect(mergeStatuses([])).toBeUndefined();
    expect(mergeStatuses([status])).toBe(status);
  });

  it('merges objects, and takes the last of other values', () => {
    const merged = mergeStatuses([
      { plugin: { name: 'a', tags: ['x'] }, rows: 1, kept: null, mixed: { a: 1 } },
      { plugin: { version: '1', tags: ['y', 'z'] }, rows: 2, mixed: 'text' },
    ]);
    expect(merged).toEqual({
      plugin: { name: 'a', version: '1', tags: ['y', 'z'] },
      rows: 2,
      kept: null,
      mixed: 'text',
    });
  });

  it('merges conditions by type, in an order independent of the last writer', () => {
    const a = {
      conditions: [
        { type: 'Ready', status: 'False', reason: 'Waiting' },
        { type: 'Applied', status: 'True' },
      ],
    };
    const b = {
      conditions: [
        { type: 'Synced', status: 'True' },
        { type: 'Ready', status: 'True' },
      ],
    };
    const [applied, synced] = [a.conditions[1], b.conditions[0]];
    expect(mergeStatuses([a, b])).toEqual({
      conditions: [applied, { type: 'Ready', status: 'True', reason: 'Waiting' }, synced],
    });
    expect(mergeStatuses([b, a])).toEqual({ conditions: [applied, a.conditions[0], synced] });
  });

  it('does not merge conditions of another type', () => {
    expect(mergeStatuses([{ conditions: [{ type: 'Ready' }] }, { conditions: ['fine'] }])).toEqual({
      conditions: ['fine'],
    });
  });

  it('does not change its input', () => {
    const first = { plugin: { name: 'a' }, conditions: [{ type: 'A' }] };
    mergeStatuses([first, { plugin: { version: '1' }, conditions: [{ type: 'A', status: 'True' }] }, { rows: 1 }]);
    expect(first).toEqual({ plugin: { name: 'a' }, conditions: [{ type: 'A' }] });
  });
});
