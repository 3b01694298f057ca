import { pino } from 'pino';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../limits/limits.ts';
import { WorkQueue } from '../../queue/work-queue.ts';
import { formatKey, type ResourceKey } from '../../resources/resource.ts';
import { RecentEvents } from '../../telemetry/events.ts';
import { HeldAnswers } from '../calls/held-answers.ts';
import { KeptAnswers } from '../calls/kept-answers.ts';
import { readDeclaration } from '../delegation-settings.ts';
import { PassRequests } from './pass-requests.ts';

const base = { apiVersion: 'myorg.org/v1', kind: 'Table' };
const settings = readDeclaration({ name: 'tables', base, api: 'Table@^1.0.0' });
const key = formatKey({ ...base, namespace: 'default', name: 'books' });
const { passBurst, repairThreshold } = limits.delegation;

let passes: number;
let queued: number;
let queue: WorkQueue<ResourceKey>;
let kept: KeptAnswers;
let held: HeldAnswers;
let events: RecentEvents;
let requests: PassRequests;

beforeEach(() => {
  passes = 0;
  queued = 0;
  const observer = {
    queued: () => void queued++,
    worked: () => undefined,
    passed: () => undefined,
    failed: () => undefined,
    answerFailed: () => undefined,
    writeFailed: () => undefined,
  };
  kept = new KeptAnswers();
  held = new HeldAnswers();
  events = new RecentEvents(pino({ level: 'silent' }));
  queue = new WorkQueue<ResourceKey>({
    work: async (worked) => {
      requests.started(worked);
      passes++;
    },
  });
  requests = new PassRequests({ settings, queue, kept, held, events, observer });
  onTestFinished(() => queue.close());
});

it('queues a requested pass, drops the answers kept so far, and counts the request', async () => {
  const former = kept.of(key);
  requests.request(key);
  await queue.whenIdle();
  expect({ passes, queued }).toEqual({ passes: 1, queued: 1 });
  expect(kept.of(key)).not.toBe(former);
});

it('ends the validity of answers for repairs and new code of a plugin, and not for other requests', () => {
  const former = held.of(key);
  requests.request(key);
  expect(held.of(key)).toBe(former);
  requests.repair(key);
  const next = held.of(key);
  expect(next).not.toBe(former);
  requests.requestCall(key);
  expect(held.of(key)).not.toBe(next);
});

it('delays the passes after a burst, and forgets it with the resource', async () => {
  for (let count = 0; count < passBurst; count++) {
    requests.request(key);
    await queue.whenIdle();
  }
  expect(passes).toBe(passBurst);
  requests.request(key);
  await queue.whenIdle();
  expect(passes).toBe(passBurst);
  expect(queue.dueAt(key)).toBeGreaterThan(Date.now());
  expect(requests.repeat(key)).toBeGreaterThan(0);
  requests.forget(key);
  expect(queue.dueAt(key)).toBeUndefined();
  expect(requests.repeat(key)).toBe(0);
});

it('delays repairs, and reports a resource that another client keeps changing', () => {
  for (let count = 1; count < repairThreshold; count++) requests.repair(key);
  expect(events.of(key)).toEqual([]);
  requests.repair(key);
  expect(events.of(key)).toMatchObject([{ type: 'Warning', reason: 'Overwritten' }]);
  expect(queue.dueAt(key)).toBeGreaterThan(Date.now());
  expect(queued).toBe(0);
});
