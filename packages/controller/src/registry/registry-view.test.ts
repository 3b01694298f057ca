import { expect, it } from 'vitest';
import type { InstanceChange } from './instance.ts';
import { Registry } from './registry.ts';
import { viewOf } from './registry-view.ts';
import { ManualClock, registrationOf } from './testing.ts';

it('shows the instances of a registry and their changes', () => {
  const registry = new Registry({ clock: new ManualClock() });
  const view = viewOf(registry);
  const changes: InstanceChange[] = [];
  const unsubscribe = view.subscribe((change) => changes.push(change));
  const instance = registry.register(registrationOf());
  expect(view.size).toBe(1);
  expect([...view.instances()]).toEqual([instance]);
  expect(view.get('one')).toBe(instance);
  registry.evict('one', 'it has ended');
  unsubscribe();
  registry.register(registrationOf());
  expect(changes).toEqual([
    { instance, from: undefined, registrationChanged: true },
    { instance, from: 'live', registrationChanged: false },
  ]);
});

it('has no way to change the registry', () => {
  const view = viewOf(new Registry({ clock: new ManualClock() }));
  expect(Object.keys(view).sort()).toEqual(['get', 'instances', 'size', 'subscribe']);
  expect(Object.isFrozen(view)).toBe(true);
});
