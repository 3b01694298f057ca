import { expect, it } from 'vitest';
import { MemoryResources } from '../resources/memory/memory-resources.ts';
import { keyOf, type Resource } from '../resources/resource.ts';
import { Release } from './release.ts';

function tables(...names: string[]): Resource[] {
  const resources = new MemoryResources();
  const kind = { apiVersion: 'myorg.org/v1', kind: 'Table' };
  return names.map((name) => resources.apply({ ...kind, metadata: { name }, spec: {} }));
}

it('ends when all of its resources have been released', async () => {
  const [users, orders, other] = tables('users', 'orders', 'other') as [Resource, Resource, Resource];
  const release = new Release(({ metadata }) => metadata.name !== 'other', [users, orders, other]);
  expect([...release.pending]).toEqual([users, orders].map(keyOf));
  let hasEnded = false;
  const ended = release.ended.then(() => {
    hasEnded = true;
  });
  release.complete(keyOf(users));
  release.complete(keyOf(other));
  await Promise.resolve();
  expect(hasEnded).toBe(false);
  release.complete(keyOf(orders));
  await ended;
});

it('ends immediately without resources, and rejects when it is cancelled', async () => {
  await new Release(() => true, []).ended;
  const release = new Release(() => true, tables('users'));
  release.cancel(new Error('cancelled'));
  await expect(release.ended).rejects.toThrow('cancelled');
});
