import { expect, it } from 'vitest';
import { PluginName } from '../../names.ts';
import { AssignedPlugins } from './assigned-plugins.ts';

const [postgres, spelledElse, maria] = ['PostgreSQL', 'postgresql', 'MariaDB'].map((name) => new PluginName(name));

it('counts the resources of each plugin, however they change', () => {
  if (!postgres || !spelledElse || !maria) throw new Error('a name is missing');
  const assigned = new AssignedPlugins();
  const counts = () => [assigned.of(postgres), assigned.of(maria)];
  assigned.set('a', [postgres]);
  assigned.set('b', [spelledElse]);
  assigned.set('c', [postgres, maria, spelledElse]);
  expect(counts()).toEqual([3, 1]);
  assigned.set('a', [postgres]);
  expect(counts()).toEqual([3, 1]);
  assigned.set('a', [maria]);
  assigned.set('c', [maria]);
  expect(counts()).toEqual([1, 2]);
  assigned.set('b', []);
  assigned.delete('c');
  assigned.delete('unknown');
  expect(counts()).toEqual([0, 1]);
});
