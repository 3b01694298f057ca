import type { WatchActivityResponse } from '@kplug/protocol';
import { describe, expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { Activities, type Activity } from '../telemetry/activities.ts';
import { ActivityWatches } from './activity-watches.ts';

const { maxActivityBacklog, maxActivitiesPerInterval, maxRecentActivities } = limits.admin;
const { maxActivities } = limits.telemetry;

const transition = { version: '1.0.0', instanceId: 'one', apis: ['Table'], state: 'live', from: undefined, reason: '' };

function addTo(activities: Activities, number: number, plugin = 'PostgreSQL'): void {
  for (let index = 0; index < number; index++) {
    activities.add({ kind: 'instance', instance: { ...transition, state: 'live', plugin } });
  }
}

function open(watches: ActivityWatches, recent = 0, matches: (activity: Activity) => boolean = () => true) {
  const ending = new AbortController();
  const responses = watches.open({ matches, recent }, { peer: 'a', signal: ending.signal });
  const next = async (): Promise<WatchActivityResponse['event'] | undefined> => (await responses.next()).value?.event;
  return { next, end: () => ending.abort() };
}

type Event = Awaited<ReturnType<ReturnType<typeof open>['next']>>;

const sequenceOf = (event: Event) => (event?.case === 'activity' ? Number(event.value.sequence) : undefined);

describe('ActivityWatches', () => {
  it('leaves out the oldest of more than may wait for a reader, and says how many', async () => {
    const activities = new Activities();
    const { next, end } = open(new ActivityWatches(activities));
    expect((await next())?.case).toBe('synced');
    const number = 3 * maxActivityBacklog + 7;
    addTo(activities, number);
    expect(await next()).toMatchObject({ case: 'leftOut', value: number - maxActivityBacklog });
    expect(sequenceOf(await next())).toBe(number - maxActivityBacklog + 1);
    // Activities that are added while the reader reads are accounted for, too.
    addTo(activities, number);
    let last = 0;
    let [leftOut, sent] = [number - maxActivityBacklog, 1];
    while (last < 2 * number) {
      const event = await next();
      if (event?.case === 'leftOut') leftOut += event.value;
      else sent++;
      last = sequenceOf(event) ?? last;
    }
    expect(leftOut + sent).toBe(2 * number);
    expect(sent).toBeLessThan(maxActivityBacklog + maxActivitiesPerInterval + 1);
    end();
    expect(await next()).toBeUndefined();
  });

  it('counts only activities that the reader wants', async () => {
    const activities = new Activities();
    const isOfMaria = (activity: Activity) => activity.kind === 'instance' && activity.instance.plugin === 'MariaDB';
    const { next, end } = open(new ActivityWatches(activities), 0, isOfMaria);
    await next();
    addTo(activities, 5 * maxActivityBacklog);
    addTo(activities, 1, 'MariaDB');
    expect(sequenceOf(await next())).toBe(5 * maxActivityBacklog + 1);
    end();
  });

  it('begins with a limited number of the latest activities, of a limited number in memory', async () => {
    const activities = new Activities();
    addTo(activities, 2 * maxActivities);
    const { next, end } = open(new ActivityWatches(activities), 2 ** 32 - 1);
    for (let index = maxRecentActivities; index > 0; index--) {
      expect(sequenceOf(await next())).toBe(2 * maxActivities - index + 1);
    }
    expect((await next())?.case).toBe('synced');
    expect(activities.latest(Number.POSITIVE_INFINITY, () => true)).toHaveLength(maxActivities);
    end();
  });

  it('asks for nothing while nobody watches, and forgets watches that end', async () => {
    const activities = new Activities();
    const watches = new ActivityWatches(activities);
    let asked = 0;
    const { next, end } = open(watches, 0, () => asked++ >= 0);
    await next();
    addTo(activities, 3);
    expect([asked, watches.size]).toEqual([3, 1]);
    end();
    addTo(activities, 3);
    expect([asked, watches.size]).toEqual([3, 0]);
    await next();
  });
});
