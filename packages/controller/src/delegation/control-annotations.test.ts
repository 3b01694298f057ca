import { expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { MemoryResources } from '../resources/memory/memory-resources.ts';
import { findPausedFault, isPaused, readReconcileAt } from './control-annotations.ts';

const annotated = (annotations: Record<string, string>) =>
  new MemoryResources().apply({
    apiVersion: 'myorg.org/v1',
    kind: 'Table',
    metadata: { name: 'users', annotations },
    spec: {},
  });

it('only "true" pauses, and other values than "false" are faults', () => {
  const read = (value: string) => {
    const base = annotated({ 'kplug.dev/paused': value });
    return { paused: isPaused(base), faulty: findPausedFault(base) !== undefined };
  };
  expect(read('true')).toEqual({ paused: true, faulty: false });
  expect(read('false')).toEqual({ paused: false, faulty: false });
  for (const value of ['True', 'yes', '1', ' true', '']) expect(read(value)).toEqual({ paused: false, faulty: true });
  expect(findPausedFault(annotated({ 'kplug.dev/paused': 'x'.repeat(1_000) }))?.length).toBeLessThan(200);
  expect(isPaused(annotated({}))).toBe(false);
});

it('any value requests a pass, and a long one is cut', () => {
  const read = (value: string) => readReconcileAt(annotated({ 'kplug.dev/reconcile-at': value }));
  expect(read('now')).toBe('now');
  expect(read('')).toBe('');
  expect(read('x'.repeat(10_000))).toHaveLength(limits.delegation.maxReconcileAtLength);
  expect(readReconcileAt(annotated({}))).toBeUndefined();
});
