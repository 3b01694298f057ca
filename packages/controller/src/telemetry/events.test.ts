import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { RecentEvents } from './events.ts';

function recorder() {
  const logged: { level: number; msg: string }[] = [];
  const log = pino({ base: null }, { write: (line: string) => logged.push(JSON.parse(line)) });
  return { events: new RecentEvents(log), logged };
}

describe('RecentEvents', () => {
  it('counts equal events, and logs each once', () => {
    const { events, logged } = recorder();
    for (let times = 0; times < 3; times++) events.record('a', { type: 'Warning', reason: 'Broken', message: 'no' });
    events.record('a', { type: 'Normal', reason: 'Ready', message: 'yes' });
    events.record('b', { type: 'Normal', reason: 'Ready', message: 'yes' });
    expect(events.of('a')).toMatchObject([
      { reason: 'Broken', count: 3 },
      { reason: 'Ready', count: 1 },
    ]);
    expect(logged.map(({ level, msg }) => [level, msg])).toEqual([
      [40, 'no'],
      [30, 'yes'],
      [30, 'yes'],
    ]);
  });

  it('logs that a resource waits for a plugin as information', () => {
    const { events, logged } = recorder();
    events.record('a', { type: 'Warning', reason: 'NoPlugin', message: 'waiting for a plugin' });
    events.record('a', { type: 'Warning', reason: 'PreferredUnavailable', message: 'waiting for Polite' });
    expect(logged.map(({ level, msg }) => [level, msg])).toEqual([
      [30, 'waiting for a plugin'],
      [40, 'waiting for Polite'],
    ]);
  });

  it('holds the latest events of each resource, and removes those of one that is gone', () => {
    const { events } = recorder();
    for (let index = 0; index < 50; index++)
      events.record('a', { type: 'Normal', reason: 'Again', message: `${index}` });
    expect(events.of('a').map(({ message }) => message)).toEqual(
      Array.from({ length: 20 }, (_, index) => `${index + 30}`),
    );
    events.forget('a');
    expect(events.of('a')).toEqual([]);
  });

  it('lists the latest events of all resources in the order of their last occurrences', () => {
    const { events } = recorder();
    for (const key of ['a', 'b', 'a', 'c'])
      events.recordUnlogged(key, { type: 'Normal', reason: 'Ready', message: `${key} is ready` });
    const listed = () => [...events.latest].map(({ regarding, count }) => [regarding, count]);
    expect(listed()).toEqual([
      ['b', 1],
      ['a', 2],
      ['c', 1],
    ]);
    expect([...events.latest].map(({ position }) => position)).toEqual([2, 3, 4]);
    events.forget('a');
    expect(listed()).toEqual([
      ['b', 1],
      ['c', 1],
    ]);
    expect(events.position).toBe(4);
  });

  it('lists a limited number of events, and counts the others', () => {
    const { events } = recorder();
    const { maxListedEvents } = limits.telemetry;
    for (let index = 0; index < maxListedEvents + 5; index++)
      events.recordUnlogged(`${index}`, { type: 'Normal', reason: 'Ready', message: 'ready' });
    const listed = [...events.latest];
    expect([listed.length, listed[0]?.regarding, events.dropped]).toEqual([maxListedEvents, '5', 5]);
    expect(events.of('0')).toHaveLength(1);
  });
});
