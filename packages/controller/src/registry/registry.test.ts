import { RefusalReason } from '@kplug/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { unproven } from './claim.ts';
import type { Session } from './instance.ts';
import { RefusedRegistration } from './refusal.ts';
import { Registry } from './registry.ts';
import { ManualClock, registrationOf } from './testing.ts';

const session = (): Session => ({ notify: () => undefined });

describe('Registry', () => {
  let clock: ManualClock;
  let registry: Registry;
  let changes: string[];

  beforeEach(() => {
    clock = new ManualClock();
    registry = new Registry({ clock });
    changes = [];
    registry.subscribe(({ instance, from }) => {
      changes.push(`${instance.registration.instanceId}: ${from ?? 'new'} -> ${instance.state}`);
    });
  });

  it('keeps an instance for its TTL after the last heartbeat, to the millisecond', () => {
    registry.register(registrationOf());
    clock.advanceTo(10_000);
    expect(registry.beat('one')).toBe(true);
    clock.advanceTo(24_999);
    expect(registry.get('one')?.state).toBe('live');
    clock.advanceTo(25_000);
    expect(registry.get('one')).toBeUndefined();
    expect(changes).toEqual(['one: new -> live', 'one: live -> gone']);
    expect(registry.beat('one')).toBe(false);
  });

  it('expires instances of different TTLs separately', () => {
    registry.register(registrationOf({ instanceId: 'long', lease: { interval: 5_000, ttl: 60_000 } }));
    registry.register(registrationOf({ instanceId: 'short', lease: { interval: 100, ttl: 300 } }));
    clock.advanceTo(300);
    expect([...registry.instances()].map(({ registration }) => registration.instanceId)).toEqual(['long']);
  });

  it('sets one alarm however many instances there are', () => {
    for (let index = 0; index < 1_000; index++) registry.register(registrationOf({ instanceId: `i${index}` }));
    expect(clock.alarms).toBe(1);
  });

  it('groups instances by plugin, version and properties of the API', () => {
    registry.register(registrationOf({ instanceId: 'a' }));
    registry.register(registrationOf({ instanceId: 'b' }));
    registry.register(registrationOf({ instanceId: 'c', version: '2.0.0' }));
    registry.register(registrationOf({ instanceId: 'd', api: 'Other' }));
    expect(registry.implementations('Table').map((one) => [one.version, one.callable.length])).toEqual([
      ['1.0.0', 2],
      ['2.0.0', 1],
    ]);
    expect(registry.implementations('Table')).toBe(registry.implementations('Table'));
    expect(registry.implementations('None')).toEqual([]);
  });

  it('groups instances of plugins whose names differ only in case, under the name of the first', () => {
    const names = () => registry.implementations('Table').map(({ plugin, callable }) => `${plugin} ${callable.length}`);
    registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
    registry.register(registrationOf({ instanceId: 'b', plugin: 'postgresql' }));
    expect(names()).toEqual(['PostgreSQL 2']);
    registry.evict('a', 'stopped');
    expect(names()).toEqual(['postgresql 1']);
    registry.register(registrationOf({ instanceId: 'b', plugin: 'POSTGRESQL' }));
    expect(names()).toEqual(['POSTGRESQL 1']);
  });

  it('removes an implementation with its last instance', () => {
    registry.register(registrationOf());
    clock.advanceTo(15_000);
    expect(registry.implementations('Table')).toEqual([]);
  });

  it('marks an instance as suspect when its session breaks, and as live at its next heartbeat', () => {
    const first = session();
    registry.register(registrationOf(), unproven, first);
    registry.sessionEnded('one', first);
    expect(registry.get('one')).toMatchObject({ state: 'suspect', suspectReason: 'StreamBroken' });
    registry.register(registrationOf(), unproven, session());
    expect(registry.get('one')).toMatchObject({ state: 'live', suspectReason: undefined });
  });

  it('ignores the end of a session that was replaced', () => {
    const first = session();
    registry.register(registrationOf(), unproven, first);
    registry.register(registrationOf(), unproven, session());
    registry.sessionEnded('one', first);
    expect(registry.get('one')?.state).toBe('live');
  });

  it('excludes an unreachable instance from calls until it answers, whatever its heartbeats', () => {
    registry.register(registrationOf());
    registry.markSuspect('one', 'Unreachable', 'connection refused');
    registry.register(registrationOf());
    registry.beat('one');
    expect(registry.implementations('Table')[0]?.callable).toEqual([]);
    registry.markReachable('one');
    expect(registry.implementations('Table')[0]?.callable).toHaveLength(1);
  });

  it('includes a suspect instance in calls only without a live one', () => {
    const first = session();
    registry.register(registrationOf({ instanceId: 'a' }), unproven, first);
    registry.sessionEnded('a', first);
    const [implementation] = registry.implementations('Table');
    expect(implementation?.callable).toHaveLength(1);
    registry.register(registrationOf({ instanceId: 'b' }));
    expect(implementation?.callable.map(({ registration }) => registration.instanceId)).toEqual(['b']);
  });

  it('drains a stopping instance, and removes it when its session ends', () => {
    const first = session();
    registry.register(registrationOf(), unproven, first);
    registry.deregister('one');
    expect(registry.get('one')?.state).toBe('draining');
    registry.sessionEnded('one', first);
    expect(changes).toEqual(['one: new -> live', 'one: live -> draining', 'one: draining -> gone']);
  });

  it('requests an instance to drain through its session and the responses to its heartbeats', () => {
    const notified: boolean[] = [];
    registry.register(registrationOf(), unproven, { notify: (_, drain) => notified.push(drain) });
    registry.drain('one');
    registry.drain('one');
    expect(notified).toEqual([true]);
    expect(registry.isDrainRequested('one')).toBe(true);
    expect(registry.implementations('Table')[0]?.callable).toEqual([]);
  });

  it('ends the draining of a deregistered instance, but not of one that was requested to drain', () => {
    registry.register(registrationOf());
    registry.deregister('one');
    registry.readmit('one');
    expect(registry.get('one')).toMatchObject({ state: 'live', stateReason: '' });
    registry.drain('one');
    registry.readmit('one');
    expect(registry.get('one')?.state).toBe('draining');
  });

  it('excludes an instance from calls of an API that it reports not to serve, but not of its others', () => {
    const [table] = registrationOf().apis;
    const [view] = registrationOf({ api: 'View' }).apis;
    registry.register(registrationOf({ apis: [table, view].flatMap((api) => api ?? []) }));
    const callable = () => ['Table', 'View'].map((api) => registry.implementations(api)[0]?.callable.length);
    registry.setUnserved('one', new Set(['Table']));
    expect(callable()).toEqual([0, 1]);
    const { revision } = registry;
    registry.setUnserved('one', new Set(['Table']));
    expect(registry.revision).toBe(revision);
    registry.setUnserved('one', new Set());
    expect(callable()).toEqual([1, 1]);
    expect(registry.get('one')?.state).toBe('live');
  });

  it.each(['live', 'suspect', 'draining'])('refuses to move a %s instance to another address', (state) => {
    const first = session();
    registry.register(registrationOf(), unproven, first);
    if (state === 'suspect') registry.sessionEnded('one', first);
    if (state === 'draining') registry.deregister('one');
    const twin = registrationOf({ address: '10.0.0.2:7000' });
    expect(() => registry.register(twin, unproven, session())).toThrow(RefusedRegistration);
    expect(() => registry.register(twin)).toThrow(/"one" is registered at 10.0.0.1:7000, and an instance never moves/);
    expect(registry.get('one')).toMatchObject({ state, registration: { address: '10.0.0.1:7000' } });
  });

  it('reports changes of a registration, and only those', () => {
    let changed = 0;
    registry.subscribe(({ registrationChanged }) => {
      if (registrationChanged) changed++;
    });
    registry.register(registrationOf());
    registry.register(registrationOf());
    registry.register(registrationOf({ weight: 5 }));
    expect(changed).toBe(2);
    expect(registry.implementations('Table')[0]?.weight).toBe(5);
  });

  it('refuses registrations beyond its capacity', () => {
    const small = new Registry({ clock, capacity: 1 });
    small.register(registrationOf());
    expect(() => small.register(registrationOf({ instanceId: 'two' }))).toThrow(
      expect.objectContaining({ code: 'InvalidRegistration', reason: RefusalReason.CAPACITY }),
    );
  });
});
