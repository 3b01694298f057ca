import { pino } from 'pino';
import { beforeEach, expect, it, vi } from 'vitest';
import { KplugError } from '../../errors.ts';
import { MemoryResources } from '../../resources/memory/memory-resources.ts';
import { type JsonObject, keyOf, type Resource } from '../../resources/resource.ts';
import { RecentEvents } from '../../telemetry/events.ts';
import { readDeclaration } from '../delegation-settings.ts';
import type { PassContext } from './pass-context.ts';
import { writeStatus } from './write-status.ts';

const kind = { apiVersion: 'myorg.org/v1', kind: 'Table' };
const status = { lastHandledReconcileAt: 'now', observedGeneration: 1 };

let resources: MemoryResources;
let events: RecentEvents;
let base: Resource;
let write: (content: JsonObject) => Promise<void>;

beforeEach(() => {
  resources = new MemoryResources();
  events = new RecentEvents(pino({ level: 'silent' }));
  base = resources.apply({ ...kind, metadata: { name: 'users' }, spec: {} });
  const settings = readDeclaration({ name: 'tables', base: kind, api: 'Table@^1.0.0' });
  const context = { settings, resources, events } as unknown as PassContext;
  write = (content) => writeStatus(context, base, content);
});

const refuse = (code: 'InvalidResponse' | 'StorageFailed', concerns: (status: object) => boolean) => {
  const apply = resources.applyStatus.bind(resources);
  return vi.spyOn(resources, 'applyStatus').mockImplementation((key, content, options) => {
    return concerns(content) ? Promise.reject(new KplugError(code, 'it is refused')) : apply(key, content, options);
  });
};

it('writes the status once if nothing refuses it', async () => {
  const applied = refuse('InvalidResponse', () => false);
  await write(status);
  expect(resources.get(keyOf(base))?.status).toEqual(status);
  expect(applied).toHaveBeenCalledTimes(1);
  expect(events.of(keyOf(base))).toEqual([]);
});

it('writes the rest of a status that a schema without lastHandledReconcileAt refuses, and says so', async () => {
  refuse('InvalidResponse', (content) => 'lastHandledReconcileAt' in content);
  await write(status);
  expect(resources.get(keyOf(base))?.status).toEqual({ observedGeneration: 1 });
  expect(events.of(keyOf(base))).toMatchObject([
    {
      type: 'Warning',
      reason: 'ReconcileAtUnreported',
      message: "kplug.dev/reconcile-at was handled, but the status can't report it: it is refused",
    },
  ]);
});

it('leaves out only the field that a refusal names, and says what that means', async () => {
  const operations = [{ plugin: 'Copier' }];
  const apply = resources.applyStatus.bind(resources);
  vi.spyOn(resources, 'applyStatus').mockImplementation((key, content, options) => {
    if (!('operationsInProgress' in content)) return apply(key, content, options);
    const message = '.status.operationsInProgress: field not declared in schema';
    return Promise.reject(new KplugError('InvalidResponse', message));
  });
  await write({ ...status, operationsInProgress: operations });
  expect(resources.get(keyOf(base))?.status).toEqual(status);
  expect(events.of(keyOf(base))).toMatchObject([{ type: 'Warning', reason: 'OperationUnreported' }]);
});

it('leaves out all optional fields of a status whose refusal names none', async () => {
  refuse('InvalidResponse', (content) => 'operationsInProgress' in content || 'lastHandledReconcileAt' in content);
  await write({ ...status, operationsInProgress: [{ plugin: 'Copier' }] });
  expect(resources.get(keyOf(base))?.status).toEqual({ observedGeneration: 1 });
  expect(events.of(keyOf(base)).map(({ reason }) => reason)).toEqual(['ReconcileAtUnreported', 'OperationUnreported']);
});

it('reports other failures, without a second attempt', async () => {
  const applied = refuse('StorageFailed', () => true);
  await expect(write(status)).rejects.toThrow('it is refused');
  expect(applied).toHaveBeenCalledTimes(1);
  applied.mockRestore();
  const refused = refuse('InvalidResponse', () => true);
  await expect(write({ observedGeneration: 1 })).rejects.toThrow('it is refused');
  expect(refused).toHaveBeenCalledTimes(1);
  await expect(write(status)).rejects.toThrow('it is refused');
  expect(events.of(keyOf(base))).toEqual([]);
});
