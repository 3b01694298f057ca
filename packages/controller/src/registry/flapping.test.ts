import { RefusalReason } from '@kplug/protocol';
import { beforeEach, expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { Registry } from './registry.ts';
import { ManualClock, registrationOf } from './testing.ts';

const { burst, interval, holdTime } = limits.flaps;
const lease = { interval: 60_000, ttl: 600_000 };
const flips = 1_000;

let clock: ManualClock;
let registry: Registry;
let changes: number;

beforeEach(() => {
  clock = new ManualClock();
  registry = new Registry({ clock });
  registry.register(registrationOf({ lease }));
  changes = 0;
  registry.subscribe(() => changes++);
});

function flip(times: number): void {
  for (let index = 0; index < times; index++) {
    registry.markSuspect('one', 'Unreachable', 'it reports that it is not serving');
    registry.markReachable('one');
  }
}

const session = () => ({ notify: () => undefined });

it.each([
  ['its health', () => flip(flips)],
  [
    'the health of one API',
    () => {
      for (let index = 0; index < flips; index++) {
        registry.setUnserved('one', new Set(['Table']));
        registry.setUnserved('one', new Set());
      }
    },
  ],
  [
    'its sessions',
    () => {
      for (let index = 0; index < flips; index++) {
        const one = session();
        registry.register(registrationOf({ lease }), undefined, one);
        registry.sessionEnded('one', one);
      }
    },
  ],
])('an instance that flips %s as fast as it can changes a limited number of times, and gets no calls', (_, attack) => {
  attack();
  expect(changes).toBeLessThanOrEqual(burst + 1);
  expect(registry.get('one')).toMatchObject({
    state: 'suspect',
    suspectReason: 'Unreachable',
    stateReason: expect.stringMatching(/changes too often; it gets no calls for 60 s/),
  });
  expect(registry.implementations('Table')[0]?.callable).toEqual([]);
});

it('the latest state takes effect after the time for which an instance is held', () => {
  flip(flips);
  clock.advanceTo(holdTime);
  expect(registry.get('one')).toMatchObject({ state: 'live', stateReason: '' });
  expect(registry.implementations('Table')[0]?.callable).toHaveLength(1);
});

it('an instance that is not serving at the end of that time stays suspect', () => {
  flip(flips);
  registry.markReachable('one');
  registry.setUnserved('one', new Set(['Table']));
  clock.advanceTo(holdTime);
  expect(registry.implementations('Table')[0]?.unavailability).toBe('NotServing');
});

it('an instance that stops, or whose lease ends, does so immediately while it is held', () => {
  flip(flips);
  registry.deregister('one');
  expect(registry.get('one')?.state).toBe('draining');
  registry.evict('one', 'its pod ended');
  expect(registry.size).toBe(0);
  expect(clock.alarms).toBeLessThanOrEqual(1);
});

it('changes at a usual pace are never held', () => {
  for (let index = 0; index < 100; index++) {
    clock.advanceTo((index + 1) * 2 * interval);
    registry.beat('one');
    flip(1);
    expect(registry.get('one')?.state).toBe('live');
  }
  expect(changes).toBe(200);
});

it('an instance that stops and returns as fast as it can is refused', () => {
  const cycle = () => {
    registry.deregister('one');
    registry.register(registrationOf({ lease }), undefined, session());
  };
  expect(() => {
    for (let index = 0; index < flips; index++) cycle();
  }).toThrow(expect.objectContaining({ reason: RefusalReason.CAPACITY }));
  expect(changes).toBeLessThanOrEqual(burst + 1);
  clock.advanceTo(2 * interval);
  registry.register(registrationOf({ lease }), undefined, session());
  expect(registry.get('one')?.state).toBe('live');
});

it('an instance that changes its registration as fast as it can is refused, and keeps the last one', () => {
  const rename = (index: number) => registry.register(registrationOf({ lease, plugin: `Name-${index}` }));
  let renamed = 0;
  expect(() => {
    for (; renamed < flips; renamed++) rename(renamed);
  }).toThrow(
    expect.objectContaining({ reason: RefusalReason.CAPACITY, message: expect.stringMatching(/changes too often/) }),
  );
  expect(renamed).toBe(burst);
  expect(registry.get('one')?.registration.plugin).toBe(`Name-${burst - 1}`);
});
