import { expect, it } from 'vitest';
import { MemoryResources } from '../../resources/memory/memory-resources.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import { Release } from './release.ts';

function tables(...names: string[]): Resource[] {
  const resources = new MemoryResources();
  const kind = { apiVersion: 'myorg.org/v1', kind: 'Table' };
  return names.map((name) => resources.apply({ ...kind, metadata: { name }, spec: {} }));
}

it('ends when all of its resources have been added and released', async () => {
  const [users, orders, other] = tables('users', 'orders', 'other').map(keyOf) as [string, string, string];
  const release = new Release(() => true);
  let hasEnded = false;
  const ended = release.ended.then(() => {
    hasEnded = true;
  });
  release.add(users);
  release.complete(users);
  release.add(orders);
  release.addedAll();
  expect([...release.pending]).toEqual([orders]);
  release.complete(other);
  await Promise.resolve();
  expect(hasEnded).toBe(false);
  release.complete(orders);
  await ended;
});

it('ends immediately without resources, and rejects when it is cancelled', async () => {
  const empty = new Release(() => true);
  empty.addedAll();
  await empty.ended;
  const release = new Release(() => true);
  for (const key of tables('users').map(keyOf)) release.add(key);
  release.cancel(new Error('cancelled'));
  await expect(release.ended).rejects.toThrow('cancelled');
});
