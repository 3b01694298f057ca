import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import { WorkQueue } from '../../queue/work-queue.ts';
import { MemoryResources } from '../../resources/memory/memory-resources.ts';
import type { ResourceKey } from '../../resources/resource.ts';
import { RecentEvents } from '../../telemetry/events.ts';
import { Bases } from '../bases/bases.ts';
import { HeldAnswers } from '../calls/held-answers.ts';
import { KeptAnswers } from '../calls/kept-answers.ts';
import { readDeclaration } from '../delegation-settings.ts';
import { PassRequests } from '../requests/pass-requests.ts';
import { Releases } from './releases.ts';

const base = { apiVersion: 'myorg.org/v1', kind: 'Table' };
const settings = readDeclaration({ name: 'tables', base, api: 'Table@^1.0.0', labels: { team: 'blue' } });
const observer = {
  queued: () => undefined,
  worked: () => undefined,
  passed: () => undefined,
  failed: () => undefined,
  answerFailed: () => undefined,
  writeFailed: () => undefined,
};

let resources: MemoryResources;
let requested: ResourceKey[];
let queue: WorkQueue<ResourceKey>;
let releases: Releases;

beforeEach(() => {
  resources = new MemoryResources();
  requested = [];
  queue = new WorkQueue<ResourceKey>({ work: async (key) => void requested.push(key) });
  const bases = new Bases(settings, resources);
  const events = new RecentEvents(pino({ level: 'silent' }));
  const [kept, held] = [new KeptAnswers(), new HeldAnswers()];
  releases = new Releases(bases, new PassRequests({ settings, queue, kept, held, events, observer }));
});

function apply(name: string, team: string) {
  return resources.apply({ ...base, metadata: { name, labels: { team } }, spec: {} });
}

it('requests a pass over each delegated resource that it includes, and ends when the last one is complete', async () => {
  const books = apply('books', 'blue');
  const loans = apply('loans', 'blue');
  const other = apply('other', 'red');
  const ended = releases.run(({ metadata }) => metadata.name !== 'loans');
  await queue.whenIdle();
  expect(requested.map((key) => key.split('/').at(-1))).toEqual(['books']);
  expect(releases.pending).toBe(1);
  expect([books, loans, other].map((one) => releases.isReleasing(one))).toEqual([true, false, true]);
  expect([books, loans, other].map((one) => releases.isReleased(one))).toEqual([true, false, true]);
  for (const key of requested) releases.complete(key);
  await ended;
  expect(releases.pending).toBe(0);
});

it('rejects with the reason of the signal, after which nothing is being released', async () => {
  const books = apply('books', 'blue');
  const aborting = new AbortController();
  const ended = releases.run(() => true, aborting.signal);
  aborting.abort(new Error('replaced'));
  await expect(ended).rejects.toThrow('replaced');
  expect(releases.isReleasing(books)).toBe(false);
  expect(releases.pending).toBe(0);
});

it('rejects with the reason with which it is cancelled', async () => {
  apply('books', 'blue');
  const ended = releases.run(() => true);
  releases.cancel(new Error('stopped'));
  await expect(ended).rejects.toThrow('stopped');
});
