import { expect, it } from 'vitest';
import { formatPlugin, isSameVersionedName, PluginName } from './names.ts';

it('compares names of plugins without regard to case, and keeps their spelling', () => {
  const name = new PluginName('PostgreSQL');
  expect(name.equals(new PluginName('postgresql'))).toBe(true);
  expect(name.equals(new PluginName('PostgreSQL2'))).toBe(false);
  expect(name.key).toBe(new PluginName('POSTGRESQL').key);
  expect(`${name}`).toBe('PostgreSQL');
});

it('compares plugins by name and version', () => {
  const plugin = { plugin: new PluginName('PostgreSQL'), version: '1.0.0' };
  expect(isSameVersionedName(plugin, { ...plugin, plugin: new PluginName('POSTGRESQL') })).toBe(true);
  expect(isSameVersionedName(plugin, { ...plugin, version: '1.0.1' })).toBe(false);
  expect(formatPlugin(plugin)).toBe('PostgreSQL 1.0.0');
});
