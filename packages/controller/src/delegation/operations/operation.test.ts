import { expect, it } from 'vitest';
import { PluginName } from '../../names.ts';
import type { Resource } from '../../resources/resource.ts';
import { hashContent } from './hash-content.ts';
import { continueOperation, describeProgress, isCancelled, readOperations, writeOperations } from './operation.ts';

const plugin = new PluginName('Copier');
const now = new Date('2026-11-29T09:00:00Z');
const later = new Date('2026-11-29T10:00:00Z');
const progress = { percentage: 10, message: 'copying', token: 'job-1' };

function baseOf(generation: number, operationsInProgress: object[] = []): Resource {
  const metadata = { name: 'users', uid: 'u', generation, resourceVersion: '1', creationTimestamp: '' };
  return { apiVersion: 'v1', kind: 'X', metadata, status: { operationsInProgress } as never };
}

it('is read from the status as it was written', () => {
  const operation = continueOperation(
    undefined,
    progress,
    { plugin, generation: 3, content: 'a', finalizing: true },
    now,
  );
  const plain = continueOperation(
    undefined,
    { percentage: undefined, message: '', token: '' },
    { plugin: new PluginName('Other'), generation: 1, content: 'b', finalizing: false },
    now,
  );
  const written = writeOperations([operation, plain]);
  expect(written).toEqual([
    { plugin: 'Copier', ...progress, generation: 3, content: 'a', since: '2026-11-29T09:00:00Z', finalizing: true },
    { plugin: 'Other', generation: 1, content: 'b', since: '2026-11-29T09:00:00Z' },
  ]);
  expect(readOperations(baseOf(3, written as object[]))).toEqual([operation, plain]);
});

it('goes on while its token is the same, and begins again with another one or with the finalization', () => {
  const started = { plugin, generation: 3, content: 'a', finalizing: false };
  const first = continueOperation(undefined, progress, started, now);
  const next = { ...started, generation: 4, content: 'b' };
  expect(continueOperation(first, { ...progress, percentage: 20 }, next, later)).toMatchObject({
    percentage: 20,
    generation: 3,
    content: 'a',
    since: '2026-11-29T09:00:00Z',
  });
  expect(continueOperation(first, { ...progress, token: 'job-2' }, next, later)).toMatchObject({
    token: 'job-2',
    generation: 4,
    content: 'b',
    since: '2026-11-29T10:00:00Z',
  });
  expect(continueOperation(first, progress, { ...next, finalizing: true }, later)).toMatchObject({ generation: 4 });
});

it('is cancelled by other content and by the finalization, in which the content does not count', () => {
  const started = { plugin, generation: 3, content: hashContent(baseOf(3)), finalizing: false };
  const operation = continueOperation(undefined, progress, started, now);
  const changed = { ...baseOf(4), spec: { rows: 2 } };
  expect(isCancelled(operation, baseOf(3), false)).toBe(false);
  expect(isCancelled(operation, changed, false)).toBe(true);
  expect(isCancelled(operation, baseOf(3), true)).toBe(true);
  const finalizing = { ...operation, finalizing: true };
  expect(isCancelled(finalizing, changed, true)).toBe(false);
  expect(isCancelled(finalizing, baseOf(3), false)).toBe(true);
});

it('is not cancelled by another generation alone, as kinds without one have a new one after each restart', () => {
  const started = { plugin, generation: 3, content: hashContent(baseOf(3)), finalizing: false };
  expect(isCancelled(continueOperation(undefined, progress, started, now), baseOf(9), false)).toBe(false);
  const [a, b] = [
    { a: 1, b: [{ c: 2, d: 3 }] },
    { b: [{ d: 3, c: 2 }], a: 1 },
  ];
  expect(hashContent({ ...baseOf(1), spec: a })).toBe(hashContent({ ...baseOf(2), spec: b }));
  expect(hashContent({ ...baseOf(1), spec: a })).not.toBe(hashContent({ ...baseOf(1), spec: { ...a, b: [] } }));
});

it('cuts a long message', () => {
  const long = continueOperation(
    undefined,
    { ...progress, message: 'x'.repeat(5_000) },
    { plugin, generation: 1, content: '', finalizing: false },
  );
  expect(long.message).toHaveLength(1_024);
});

it('describes progress', () => {
  expect(describeProgress(progress)).toBe('10 % done: copying');
  expect(describeProgress({ percentage: 0, message: '', token: '' })).toBe('0 % done');
  expect(describeProgress({ percentage: undefined, message: '', token: '' })).toBe('in progress');
});
