import { expect, it } from 'vitest';
import { compactStatus } from './compact.ts';

it('a status is formatted on one line', () => {
  const status = {
    partitions: [1, 2, 3],
    rows: 120,
    size: { index: 1, table: 2 },
    state: 'in use',
    note: 'a\nb',
    none: null,
  };
  expect(compactStatus(status)).toBe('partitions=[3] rows=120 size={2} state="in use" note="a b" none=null');
});

it('a long status is truncated', () => {
  const line = compactStatus({ text: 'x'.repeat(500) });
  expect(line).toHaveLength(100);
  expect(line.endsWith('…')).toBe(true);
});

it('no status is empty', () => {
  expect(compactStatus(undefined)).toBe('');
});
