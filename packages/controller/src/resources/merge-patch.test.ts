import { expect, it } from 'vitest';
import { mergePatch } from './merge-patch.ts';

it('merges objects, replaces everything else, and removes what is null', () => {
  const former = { rows: 1, size: { bytes: 10, files: [1, 2] }, stale: true };
  const merged = mergePatch(former, { size: { files: [3], unit: { name: 'B', none: null } }, stale: null, more: {} });
  expect(merged).toEqual({ rows: 1, size: { bytes: 10, files: [3], unit: { name: 'B' } }, more: {} });
  expect(former).toEqual({ rows: 1, size: { bytes: 10, files: [1, 2] }, stale: true });
});
