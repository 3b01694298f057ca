import { beforeEach, expect, it } from 'vitest';
import { Registry } from '../registry/registry.ts';
import { ManualClock, registrationOf } from '../registry/testing.ts';
import { InstancesByRecord } from './instances-by-record.ts';

let registry: Registry;
let index: InstancesByRecord;
let changed: string[][];

beforeEach(() => {
  registry = new Registry({ clock: new ManualClock() });
  index = new InstancesByRecord();
  changed = [];
  registry.subscribe(({ instance }) => changed.push(index.update(instance)));
});

const idsOf = (key: string) => index.of(key).map(({ registration }) => registration.instanceId);

it('finds the instances of a record, as they come and go', () => {
  registry.register(registrationOf());
  registry.register(registrationOf({ instanceId: 'two' }));
  expect(idsOf('postgresql-1.0.0')).toEqual(['one', 'two']);
  registry.evict('one', 'gone');
  expect(idsOf('postgresql-1.0.0')).toEqual(['two']);
  registry.evict('two', 'gone');
  expect(idsOf('postgresql-1.0.0')).toEqual([]);
});

it('moves an instance that registers with another version, and reports both records', () => {
  registry.register(registrationOf());
  registry.register(registrationOf({ version: '2.0.0' }));
  expect(changed.at(-1)).toEqual(['postgresql-1.0.0', 'postgresql-2.0.0']);
  expect(idsOf('postgresql-1.0.0')).toEqual([]);
  expect(idsOf('postgresql-2.0.0')).toEqual(['one']);
});
