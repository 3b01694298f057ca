import type { JsonObject, Resource } from '@kplug/controller';
import picocolors from 'picocolors';
import { expect, it } from 'vitest';
import { resourceTable } from './resource-table.ts';

const colors = picocolors.createColors(false);

function tableOf(reason: string, operationsInProgress: JsonObject[]) {
  const metadata = { name: 'users', uid: 'x', generation: 1, resourceVersion: '1', creationTimestamp: '' };
  const conditions = [{ type: 'Ready', status: 'False', reason, message: '' }];
  const resource: Resource = {
    apiVersion: 'v1',
    kind: 'Backup',
    metadata,
    status: { implementation: 'A', operationsInProgress, conditions },
  };
  const options = { wide: false, allNamespaces: false, held: new Set<string>(), colors, now: 0 };
  const { header, rows } = resourceTable([resource], options);
  return rows[0]?.[header.indexOf('REASON')];
}

it('shows the percentage of an operation in progress with the reason', () => {
  expect(tableOf('InProgress', [{ plugin: 'A', percentage: 40 }])).toBe('InProgress 40%');
  expect(tableOf('InProgress', [{ plugin: 'A' }])).toBe('InProgress');
  expect(tableOf('NoPlugin', [{ plugin: 'A', percentage: 40 }])).toBe('NoPlugin');
});
