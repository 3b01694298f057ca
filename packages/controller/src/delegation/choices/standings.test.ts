import { beforeEach, expect, it } from 'vitest';
import { Registry } from '../../registry/registry.ts';
import { ManualClock, registrationOf } from '../../registry/testing.ts';
import { Standings } from './standings.ts';

let registry: Registry;
let changed: number[];

beforeEach(() => {
  const standings = new Standings();
  registry = new Registry({ clock: new ManualClock() });
  changed = [];
  registry.subscribe(({ implementations, formerImplementations }) => {
    changed.push(standings.update([...implementations, ...formerImplementations]).length);
  });
});

it('notices the first callable instance, and the last one', () => {
  registry.register(registrationOf({ instanceId: 'a' }));
  registry.register(registrationOf({ instanceId: 'b' }));
  registry.evict('a', 'stopped');
  registry.markSuspect('b', 'Unreachable', 'refused');
  registry.evict('b', 'stopped');
  expect(changed).toEqual([1, 0, 0, 1, 1]);
});

it('notices a greater weight, and another reason why no instance is callable', () => {
  registry.register(registrationOf({ instanceId: 'a' }));
  registry.register(registrationOf({ instanceId: 'b', weight: 200 }));
  registry.evict('b', 'stopped');
  registry.markSuspect('a', 'Unreachable', 'refused');
  registry.deregister('a');
  expect(changed).toEqual([1, 1, 1, 1, 1]);
});

it('notices both implementations when an instance registers with another version', () => {
  registry.register(registrationOf({ instanceId: 'a' }));
  registry.register(registrationOf({ instanceId: 'a', version: '2.0.0' }));
  expect(changed).toEqual([1, 2]);
});
