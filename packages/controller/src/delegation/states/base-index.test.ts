import { expect, it } from 'vitest';
import { limits } from '../../limits/limits.ts';
import { BaseIndex } from './base-index.ts';
import type { BaseState, StateName } from './base-state.ts';

const { maxCauses, maxReasons } = limits.states;

const keyOf = (name: string, namespace = 'a') => `myorg.org/v1/Table/${namespace}/${name}`;

function set(index: BaseIndex, key: string, state: StateName, given: Partial<BaseState> = {}): void {
  const reason = state === 'ready' ? 'Ready' : 'NoPlugin';
  const flags = { isReady: state === 'ready', isPaused: state === 'paused' };
  index.set(key, { state, reason, message: 'none', about: key, ...given }, flags);
}

/** Returns the number of resources of each cause of a namespace, or of all. */
function sizes(index: BaseIndex, namespace = ''): number[] {
  return [...(index.group(namespace)?.causes.values() ?? [])].map((keys) => keys.size);
}

it('counts resources by state and namespace as they come, change and go', () => {
  const index = new BaseIndex('tables');
  set(index, keyOf('1'), 'waiting');
  set(index, keyOf('2'), 'ready');
  set(index, keyOf('3', 'b'), 'failing');
  expect(index.group()?.counts).toEqual({ ready: 1, waiting: 1, failing: 1, deleting: 0, paused: 0 });
  expect(index.group('b')?.counts).toMatchObject({ failing: 1, ready: 0 });
  set(index, keyOf('1'), 'ready');
  set(index, keyOf('3', 'b'), 'deleting');
  expect(index.group()?.counts).toEqual({ ready: 2, waiting: 0, failing: 0, deleting: 1, paused: 0 });
  expect([index.total, index.ready, index.paused]).toEqual([3, 2, 0]);
  index.delete(keyOf('3', 'b'));
  index.delete(keyOf('3', 'b'));
  expect([index.total, index.group('b'), [...index.namespaces.keys()]]).toEqual([2, undefined, ['a']]);
  expect(sizes(index)).toEqual([]);
});

it('counts its changes, and apart from them those of its members and namespaces', () => {
  const index = new BaseIndex('tables');
  const counts = () => [index.revision, index.membership, index.namespaceRevision];
  set(index, keyOf('1'), 'waiting');
  expect(counts()).toEqual([1, 1, 1]);
  set(index, keyOf('1'), 'waiting');
  expect(counts()).toEqual([1, 1, 1]);
  set(index, keyOf('1'), 'failing');
  expect(counts()).toEqual([2, 1, 1]);
  index.delete(keyOf('1'));
  expect(counts()).toEqual([3, 2, 2]);
});

it('groups resources whose messages differ only in their names, in times and in numbers of progress', () => {
  const index = new BaseIndex('tables');
  const messages = (name: string, time: string, percent: number) =>
    `Table a/${name}: ${name}-db is ${percent} % done since ${time}, 1 of ${percent} are ready`;
  set(index, keyOf('users'), 'failing', { message: messages('users', '2026-01-01T00:00:00Z', 3) });
  set(index, keyOf('orders'), 'failing', { message: messages('orders', '2026-02-01T10:00:00.5Z', 40) });
  expect(sizes(index)).toEqual([2]);
  set(index, keyOf('user'), 'failing', { message: 'users is no word of its own name' });
  expect(sizes(index)).toEqual([2, 1]);
});

it('tells causes apart by state, reason and message, and finds them by ids that last', () => {
  const index = new BaseIndex('tables');
  set(index, keyOf('1'), 'failing', { message: 'x' });
  set(index, keyOf('2'), 'failing', { message: 'y' });
  set(index, keyOf('3'), 'failing', { message: 'x', reason: 'Other' });
  set(index, keyOf('4'), 'waiting', { message: 'x' });
  set(index, keyOf('5', 'b'), 'failing', { message: 'x' });
  expect(sizes(index)).toEqual([2, 1, 1, 1]);
  expect(sizes(index, 'b')).toEqual([1]);
  const { id = '' } = index.get(keyOf('1'))?.cause ?? {};
  expect(index.causeOf(id)).toMatchObject({ state: 'failing', reason: 'NoPlugin' });
  for (const name of ['1', '5']) index.delete(keyOf(name, name === '5' ? 'b' : 'a'));
  expect(index.causeOf(id)).toBeUndefined();
  set(index, keyOf('6'), 'failing', { message: 'x' });
  expect(index.get(keyOf('6'))?.cause?.id).toBe(id);
  const other = new BaseIndex('others');
  set(other, keyOf('6'), 'failing', { message: 'x' });
  expect(other.get(keyOf('6'))?.cause?.id).not.toBe(id);
});

it('has a bounded number of causes: more are told apart by their reasons, then by their states', () => {
  const index = new BaseIndex('tables');
  for (let at = 0; at < 500; at++)
    set(index, keyOf(`same-${at}`), 'failing', { message: `message ${at} x`, reason: 'Same' });
  expect(sizes(index)).toHaveLength(maxCauses + 1);
  for (let at = 0; at < 500; at++)
    set(index, keyOf(`other-${at}`), 'failing', { message: `m ${at}`, reason: `Other${at}` });
  expect(index.group()?.causes.size).toBeLessThanOrEqual(maxCauses + maxReasons + 1);
  const total = sizes(index).reduce((sum, size) => sum + size, 0);
  expect(total).toBe(1_000);
  // As soon as there is room, new causes are told apart again.
  for (let at = 0; at < 500; at++) index.delete(keyOf(`same-${at}`));
  set(index, keyOf('late'), 'failing', { message: 'late', reason: 'Late' });
  expect(index.get(keyOf('late'))?.cause?.reason).toBe('Late');
});
