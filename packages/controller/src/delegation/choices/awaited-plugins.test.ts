import { expect, it } from 'vitest';
import { AwaitedPlugins, anyPlugin } from './awaited-plugins.ts';

it('returns the resources that await a plugin, once', () => {
  const awaited = new AwaitedPlugins();
  awaited.set('users', ['postgresql'], 1);
  awaited.set('orders', ['postgresql', 'mariadb'], 1);
  awaited.set('items', [anyPlugin], 1);
  expect([...awaited.arrive('postgresql', 2)]).toEqual(['users', 'orders', 'items']);
  expect([...awaited.arrive('postgresql', 3)]).toEqual([]);
});

it('reports that a plugin has arrived since the choice', () => {
  const awaited = new AwaitedPlugins();
  awaited.arrive('postgresql', 5);
  expect(awaited.set('users', ['postgresql'], 4)).toBe(true);
  expect(awaited.set('users', [anyPlugin], 4)).toBe(true);
  expect(awaited.set('users', ['postgresql'], 5)).toBe(false);
  expect(awaited.set('users', ['mariadb'], 4)).toBe(false);
});

it('forgets resources', () => {
  const awaited = new AwaitedPlugins();
  awaited.set('users', ['postgresql'], 1);
  awaited.delete('users');
  expect([...awaited.arrive('postgresql', 2)]).toEqual([]);
});
