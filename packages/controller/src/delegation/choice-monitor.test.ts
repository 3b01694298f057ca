import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { KplugError } from '../errors.ts';
import { Registry } from '../registry/registry.ts';
import { ManualClock, registrationOf } from '../registry/testing.ts';
import { MemoryResources } from '../resources/memory/memory-resources.ts';
import type { Resource } from '../resources/resource.ts';
import { ChoiceMonitor } from './choice-monitor.ts';
import { choose } from './choose.ts';
import { readDeclaration } from './delegation-settings.ts';
import type { PassResult } from './pass-context.ts';

const base = { apiVersion: 'myorg.org/v1', kind: 'Table' };
const settings = readDeclaration({ name: 'tables', base, api: 'Table@^1.0.0' });

let registry: Registry;
let monitor: ChoiceMonitor;
let bases: Resource[];
let requeued: string[];
let delays: number[];

const nameOf = (key: string) => key.split('/').at(-1) ?? '';
const reviewed = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  const resources = new MemoryResources();
  bases = ['PostgreSQL', 'MariaDB', 'Oracle'].map((preferredImplementation) => {
    const metadata = { name: preferredImplementation.toLowerCase() };
    return resources.apply({ ...base, metadata, spec: { preferredImplementation } });
  });
  registry = new Registry({ clock: new ManualClock() });
  requeued = [];
  delays = [];
  monitor = new ChoiceMonitor({
    api: settings.api,
    registry,
    bases: () => bases,
    choose: (resource) => choose(resource, settings, registry),
    isReleasing: () => false,
    requeue: (key) => requeued.push(nameOf(key)),
    requeueWithin: (_, delay) => delays.push(delay),
  });
  monitor.start();
  onTestFinished(() => monitor.stop());
});

/** Records a pass over each resource, with the current choice. */
function recordPasses(result: PassResult): void {
  for (const resource of bases) {
    const { selection, revision, message } = choose(resource, settings, registry);
    const waiting = selection.chosen.length > 0 ? {} : { waitingMessage: message };
    monitor.record(resource, { result, chosen: selection.chosen, revision, ...waiting });
  }
}

it('requeues only resources for which another plugin is chosen now', async () => {
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL', weight: 200 }));
  await reviewed();
  recordPasses({ next: 'settled' });
  expect(requeued).toEqual([]);
  registry.register(registrationOf({ instanceId: 'b', plugin: 'MariaDB' }));
  await reviewed();
  expect(requeued).toEqual(['mariadb']);
  recordPasses({ next: 'settled' });
  registry.register(registrationOf({ instanceId: 'c', plugin: 'Oracle', api: 'View' }));
  await reviewed();
  expect(requeued).toEqual(['mariadb']);
});

it('requeues no resource when the chosen plugin changes only the case of its name', async () => {
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  await reviewed();
  recordPasses({ next: 'settled' });
  registry.register(registrationOf({ instanceId: 'b', plugin: 'POSTGRESQL' }));
  registry.evict('a', 'stopped');
  await reviewed();
  expect(requeued).toEqual([]);
});

it('requeues failed resources when a new instance of their plugin registers', async () => {
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  await reviewed();
  recordPasses({ next: 'retry' });
  registry.register(registrationOf({ instanceId: 'b', plugin: 'postgresql', version: '0.9.0' }));
  await reviewed();
  expect(requeued.sort()).toEqual(['mariadb', 'oracle', 'postgresql']);
});

it('requeues waiting resources within spaced delays when the reason changes', async () => {
  recordPasses({ next: 'waiting' });
  registry.register(registrationOf({ instanceId: 'a', plugin: 'SQLite', apiVersion: '2.0.0' }));
  await reviewed();
  expect(requeued).toEqual([]);
  expect(delays).toEqual([500, 510, 520]);
});

it('requeues a resource when the choice changed during its pass', async () => {
  const [resource] = bases as [Resource];
  const { revision } = registry;
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  await reviewed();
  monitor.record(resource, { result: { next: 'waiting' }, chosen: [], revision, waitingMessage: 'none' });
  expect(requeued).toEqual(['postgresql']);
});

it('requeues a deleted resource that waits for a plugin when plugins changed during its pass', () => {
  const [resource] = bases;
  if (!resource) throw new Error('there is no resource');
  const deleted = { ...resource, metadata: { ...resource.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  const { revision } = registry;
  monitor.record(deleted, { result: { next: 'waiting' }, chosen: [], revision });
  expect(requeued).toEqual([]);
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  monitor.record(deleted, { result: { next: 'waiting' }, chosen: [], revision });
  expect(requeued).toEqual(['postgresql']);
});

it('leaves resources that cannot be written to their retries', async () => {
  const { revision } = registry;
  for (const resource of bases) {
    const error = new KplugError('StorageFailed', 'no space left');
    monitor.record(resource, { result: { next: 'retry' }, chosen: [], revision, error });
  }
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  await reviewed();
  for (const resource of bases) {
    const error = new KplugError('StorageFailed', 'no space left');
    monitor.record(resource, { result: { next: 'retry' }, chosen: [], revision, error });
  }
  expect(requeued).toEqual([]);
});
