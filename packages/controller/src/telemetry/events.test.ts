import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
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
});
