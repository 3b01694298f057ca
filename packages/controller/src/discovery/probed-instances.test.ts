import { expect, it, vi } from 'vitest';
import { registrationOf } from '../registry/testing.ts';
import { eventually, probeParts } from './testing.ts';

const declaration = { source: 'service', namespace: 'default', name: 'postgresql' } as const;
const first = registrationOf({ instanceId: 'first', address: '10.0.0.1:7000', declaration });
const second = registrationOf({ instanceId: 'second', address: '10.0.0.2:7000', declaration });

it('registers an instance, and renews its lease', () => {
  const { instances, registry } = probeParts();
  expect(instances.register(first, 'process-1')).toBeUndefined();
  const { revision } = registry;
  instances.register(first, 'process-1');
  expect(registry.get('first')?.state).toBe('live');
  expect(registry.revision).toBe(revision);
});

it('drains an instance until it is registered again', () => {
  const { instances, registry } = probeParts();
  instances.register(first, '');
  instances.drain('first', 'its endpoint is not ready');
  expect(registry.get('first')).toMatchObject({ state: 'draining', stateReason: 'its endpoint is not ready' });
  instances.register(first, '');
  expect(registry.get('first')?.state).toBe('live');
});

it('removes a draining instance when its in-flight calls have ended', async () => {
  const { instances, registry, inFlight } = probeParts();
  instances.register(first, '');
  inFlight.set('first', 1);
  const gone = vi.fn();
  registry.subscribe(({ instance }) => instance.state === 'gone' && gone(instance.stateReason));
  instances.drainAndEvict('first', 'its endpoint is gone');
  expect(registry.get('first')?.state).toBe('draining');
  inFlight.set('first', 0);
  await eventually(() => expect(gone).toHaveBeenCalledWith('its endpoint is gone'));
});

it('removes an idle instance immediately', async () => {
  const { instances, registry } = probeParts();
  instances.register(first, '');
  instances.drainAndEvict('first', 'its endpoint is gone');
  await Promise.resolve();
  expect(registry.get('first')).toBeUndefined();
});

it('keeps a draining instance that is registered again', async () => {
  const { instances, registry, inFlight } = probeParts();
  instances.register(first, '');
  inFlight.set('first', 1);
  instances.drainAndEvict('first', 'its endpoint is gone');
  instances.register(first, '');
  inFlight.set('first', 0);
  instances.register(second, '');
  instances.drainAndEvict('second', 'its endpoint is gone');
  await Promise.resolve();
  expect(registry.get('second')).toBeUndefined();
  expect(registry.get('first')?.state).toBe('live');
});

it('gives precedence to an instance that sends heartbeats', () => {
  const { instances, registry } = probeParts();
  instances.register(first, 'process-1');
  const beating = registry.register(registrationOf({ instanceId: 'process-1', address: '10.0.0.1:7000' }));
  expect(instances.register(first, 'process-1')).toBe(beating);
  expect([...registry.instances()]).toEqual([beating]);
  instances.evict('process-1', 'it was not found by a probe');
  instances.drain('process-1', 'it was not found by a probe');
  expect(registry.get('process-1')?.state).toBe('live');
});

it('registers a process that is found at two addresses at the first only', () => {
  const { instances, registry } = probeParts();
  instances.register(first, 'process-1');
  expect(() => instances.register(second, 'process-1')).toThrow(
    expect.objectContaining({
      reason: 'InstanceKnown',
      message: expect.stringContaining('which the plugin at 10.0.0.1:7000 (first) reports too'),
    }),
  );
  instances.evict('first', 'its endpoint is gone');
  instances.register(second, 'process-1');
  expect(registry.get('second')?.state).toBe('live');
});

it('throws RegistryFull when the registry accepts no more instances', () => {
  const { instances } = probeParts({ capacity: 1 });
  instances.register(first, '');
  expect(() => instances.register(second, '')).toThrow(expect.objectContaining({ reason: 'RegistryFull' }));
});

it('marks an instance that did not answer as suspect', () => {
  const { instances, registry } = probeParts();
  instances.register(first, '');
  instances.markSuspect('first', 'no plugin answers');
  expect(registry.get('first')).toMatchObject({ state: 'suspect', suspectReason: 'Unreachable' });
});
