import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { InstanceState, NameOwnerSchema, PluginInstanceSchema, PluginLoadSchema } from '@kplug/protocol/services';
import { expect, it } from 'vitest';
import { groupPlugins } from './group-plugins.ts';
import { leaseOf } from './lease.ts';

function instance(plugin: string, state: InstanceState, heardAt = 0) {
  return create(PluginInstanceSchema, {
    registration: { plugin, version: '1.0.0', instanceId: `${plugin} ${heardAt}` },
    state,
    lastHeardAt: timestampFromMs(heardAt),
    lease: { ttl: durationFromMs(15_000) },
  });
}

it('counts a lease down, and never shows an instance as live whose lease has ended without news', () => {
  const live = instance('A', InstanceState.LIVE);
  expect(leaseOf(live, 5_000)).toEqual({ word: 'live', part: 10 / 15, text: 'lease ends in 10s' });
  expect(leaseOf(live, 16_000)).toMatchObject({ word: 'live', part: 0 });
  expect(leaseOf(live, 27_000)).toEqual({ word: 'overdue', part: 0, text: 'lease ended 12s ago, no news since' });
});

it('keeps the word of the operator for what is not live', () => {
  expect(leaseOf(instance('A', InstanceState.SUSPECT), 60_000).word).toBe('suspect');
  expect(leaseOf(instance('A', 99 as InstanceState), 60_000).word).toBe('unknown');
});

it('joins instances, load and owners of a plugin, whatever the case of its name', () => {
  const rows = groupPlugins(
    [instance('PostgreSQL', InstanceState.LIVE, 1), instance('PostgreSQL', InstanceState.SUSPECT, 2)],
    [create(PluginLoadSchema, { plugin: 'postgresql', resources: 3 }), create(PluginLoadSchema, { plugin: 'Gone' })],
    [create(NameOwnerSchema, { plugin: 'postgresql', owner: 'serviceaccount:databases/postgresql' })],
    2_000,
  );
  expect(rows.map(({ name }) => name)).toEqual(['Gone', 'PostgreSQL']);
  expect(rows[1]).toMatchObject({
    states: [
      { word: 'live', count: 1 },
      { word: 'suspect', count: 1 },
    ],
    load: { resources: 3 },
    owner: 'serviceaccount:databases/postgresql',
  });
});
