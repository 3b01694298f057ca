import { expect, it } from 'vitest';
import { Registry } from '../../registry/registry.ts';
import { ManualClock, registrationOf } from '../../registry/testing.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import { UnrecordedHolders } from './unrecorded-holders.ts';

const registry = new Registry({ clock: new ManualClock() });
registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
registry.register(registrationOf({ instanceId: 'b', plugin: 'MariaDB' }));
const [postgres, maria] = registry.implementations('Table');

function tableOf(uid: string, plugin?: string): Resource {
  const metadata = { name: 'users', uid, generation: 1, resourceVersion: '1', creationTimestamp: '' };
  const status = { plugin: { name: plugin, version: '0.9.0', api: 'Table', apiVersion: '1.0.0' } };
  return { apiVersion: 'example.org/v1', kind: 'Table', metadata, ...(plugin !== undefined && { status }) };
}

it('adds the plugins that were called to those that the status names', () => {
  if (!postgres || !maria) throw new Error('a plugin is missing');
  const holders = new UnrecordedHolders();
  const namesOf = (base: Resource) => holders.holdersOf(base).map(({ plugin, version }) => `${plugin} ${version}`);
  holders.add(tableOf('1'), [postgres]);
  expect(namesOf(tableOf('1'))).toEqual(['PostgreSQL 1.0.0']);
  expect(namesOf(tableOf('1', 'MariaDB'))).toEqual(['MariaDB 0.9.0', 'PostgreSQL 1.0.0']);
  expect(namesOf(tableOf('1', 'postgresql'))).toEqual(['PostgreSQL 1.0.0']);
  expect(namesOf(tableOf('2', 'MariaDB'))).toEqual(['MariaDB 0.9.0']);
  holders.add(tableOf('1'), [maria]);
  const [first] = holders.holdersOf(tableOf('1'));
  if (first) holders.remove(tableOf('1'), first);
  expect(namesOf(tableOf('1'))).toEqual(['MariaDB 1.0.0']);
  holders.clear(keyOf(tableOf('1')));
  expect(namesOf(tableOf('1'))).toEqual([]);
});
