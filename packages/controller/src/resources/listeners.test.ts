import { beforeEach, expect, it } from 'vitest';
import { Listeners } from './listeners.ts';
import { MemoryResources } from './memory/memory-resources.ts';
import type { ResourceChange } from './port.ts';
import { keyOf, type Resource } from './resource.ts';

const kind = { apiVersion: 'myorg.org/v1', kind: 'Table' };
const count = 10_000;

let listeners: Listeners;
let resources: Map<string, Resource>;
let received: string[];

beforeEach(() => {
  const memory = new MemoryResources();
  const all = Array.from({ length: count }, (_, index) => memory.apply({ ...kind, metadata: { name: `t${index}` } }));
  resources = new Map(all.map((resource) => [keyOf(resource), resource]));
  listeners = new Listeners();
  received = [];
});

const receive = ({ resource, gone }: ResourceChange) => {
  received.push(`${gone ? '-' : ''}${resource.metadata.name}`);
};
const add = () => listeners.add(kind, receive, resources.values(), (key) => resources.get(key));

it('announces existing resources in slices, each once, and with the changes that were made meanwhile', async () => {
  const added = add();
  expect(received.length).toBeLessThan(count);
  const [last] = [...resources.values()].slice(-1) as [Resource];
  const changed = { ...last, spec: { size: 1 } };
  resources.set(keyOf(last), changed);
  listeners.notify({ resource: changed, previous: last, gone: false });
  expect(received.at(-1)).toBe(last.metadata.name);
  await added;
  expect(received.length).toBe(count);
  expect(new Set(received).size).toBe(count);
});

it('does not announce a resource that is gone before its turn', async () => {
  const added = add();
  const [last] = [...resources.values()].slice(-1) as [Resource];
  resources.delete(keyOf(last));
  listeners.notify({ resource: last, previous: last, gone: true });
  await added;
  expect(received).not.toContain(last.metadata.name);
  expect(received).not.toContain(`-${last.metadata.name}`);
  expect(received.length).toBe(count - 1);
});

it('announces nothing to a listener that was removed', async () => {
  const added = add();
  const before = received.length;
  listeners.remove(kind, receive);
  await added;
  expect(received.length).toBe(before);
});

it('announces a change that a listener makes after the current one', async () => {
  const [first, second] = [...resources.values()] as [Resource, Resource];
  const other = ({ resource, gone }: ResourceChange) => {
    if (resource === first && !gone) listeners.notify({ resource: second, previous: second, gone: true });
  };
  await listeners.add(kind, other, [], () => undefined);
  await listeners.add(kind, receive, [], () => undefined);
  listeners.notify({ resource: first, gone: false });
  expect(received).toEqual(['t0', '-t1']);
});
