import fc from 'fast-check';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { KplugError } from '../../errors.ts';
import { Walks } from '../../queue/walks.ts';
import { RefusedRegistration } from '../../registry/refusal.ts';
import { Registry } from '../../registry/registry.ts';
import { ManualClock, registrationOf } from '../../registry/testing.ts';
import { MemoryResources } from '../../resources/memory/memory-resources.ts';
import type { Resource } from '../../resources/resource.ts';
import { readDeclaration } from '../delegation-settings.ts';
import type { PassResult } from '../passes/pass-context.ts';
import { holdersOf } from '../passes/status.ts';
import { ChoiceMonitor } from './choice-monitor.ts';
import { choiceBasisOf, choose } from './choose.ts';

const base = { apiVersion: 'myorg.org/v1', kind: 'Table' };
const settings = readDeclaration({ name: 'tables', base, api: 'Table@^1.0.0' });

let registry: Registry;
let monitor: ChoiceMonitor;
let bases: Resource[];
let requeued: string[];
let delays: number[];
let decisions: number;
let walks: Walks;

const nameOf = (key: string) => key.split('/').at(-1) ?? '';
const reviewed = () => walks.whenEnded();

beforeEach(() => {
  const resources = new MemoryResources();
  bases = ['PostgreSQL', 'MariaDB', 'Oracle'].map((preferredImplementation) => {
    const metadata = { name: preferredImplementation.toLowerCase() };
    return resources.apply({ ...base, metadata, spec: { preferredImplementation } });
  });
  registry = new Registry({ clock: new ManualClock() });
  requeued = [];
  delays = [];
  decisions = 0;
  walks = new Walks();
  monitor = monitorOf();
  monitor.start();
  onTestFinished(() => monitor.stop());
});

function monitorOf(decide = (resource: Resource) => choose(resource, settings, registry)): ChoiceMonitor {
  return new ChoiceMonitor({
    api: settings.api,
    registry,
    walks,
    holdersOf,
    hasSubstitutes: false,
    basisOf: (resource) => choiceBasisOf(resource, settings),
    choose: (resource) => {
      decisions++;
      return decide(resource);
    },
    isReleasing: () => false,
    requeue: (key) => requeued.push(nameOf(key)),
    requeueWithin: (_, delay) => delays.push(delay),
  });
}

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

it('notices that a plugin leaves that was registered before the monitor started', async () => {
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  monitor.stop();
  monitor = monitorOf();
  monitor.start();
  recordPasses({ next: 'settled' });
  registry.evict('a', 'it has exited');
  await reviewed();
  expect(requeued).toEqual(['postgresql', 'mariadb', 'oracle']);
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
  const deleted = {
    ...resource,
    metadata: { ...resource.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    status: { plugin: { name: 'PostgreSQL', version: '1.0.0' } },
  };
  const { revision } = registry;
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  expect(requeued).toEqual([]);
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

it('decides nothing while an implementation stays callable', async () => {
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  await reviewed();
  recordPasses({ next: 'settled' });
  registry.register(registrationOf({ instanceId: 'b', plugin: 'PostgreSQL' }));
  await reviewed();
  recordPasses({ next: 'settled' });
  decisions = 0;
  registry.markSuspect('a', 'Unreachable', 'refused');
  await reviewed();
  registry.evict('a', 'stopped');
  await reviewed();
  expect(decisions).toBe(0);
  expect(requeued).toEqual([]);
});

it('makes one decision for all resources whose choice depends on the same', async () => {
  const resources = new MemoryResources();
  bases = Array.from({ length: 100 }, (_, index) => resources.apply({ ...base, metadata: { name: `t${index}` } }));
  recordPasses({ next: 'waiting' });
  decisions = 0;
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  await reviewed();
  expect(requeued).toHaveLength(100);
  expect(decisions).toBe(1);
});

it('decides again when what choices depend on changes otherwise', async () => {
  let isBroken = false;
  monitor.stop();
  monitor = monitorOf((resource) => choose(resource, { ...settings, api: isBroken ? 'None' : settings.api }, registry));
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  recordPasses({ next: 'settled' });
  isBroken = true;
  monitor.review();
  await reviewed();
  expect(requeued.sort()).toEqual(['mariadb', 'oracle', 'postgresql']);
});

it('moves a resource that changed to the group that it belongs to', async () => {
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL', weight: 200 }));
  await reviewed();
  recordPasses({ next: 'settled' });
  const [resource] = bases as [Resource];
  monitor.update({ ...resource, spec: { preferredImplementation: 'SQLite' } });
  registry.register(registrationOf({ instanceId: 'b', plugin: 'SQLite' }));
  await reviewed();
  expect(requeued).toEqual(['postgresql']);
});

it('requeues a resource whose plugin got a new instance during its pass', async () => {
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  await reviewed();
  const [resource] = bases as [Resource];
  const { selection, revision } = choose(resource, settings, registry);
  registry.register(registrationOf({ instanceId: 'b', plugin: 'PostgreSQL' }));
  monitor.record(resource, { result: { next: 'retry' }, chosen: selection.chosen, revision });
  expect(requeued).toEqual(['postgresql']);
});

it('requeues a deleted resource that waits for its plugin when that comes, and for no other', async () => {
  const [resource] = bases as [Resource];
  const deleted = {
    ...resource,
    metadata: { ...resource.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    status: { plugin: { name: 'PostgreSQL', version: '1.0.0' } },
  };
  monitor.record(deleted, { result: { next: 'waiting' }, chosen: [], revision: registry.revision });
  registry.register(registrationOf({ instanceId: 'a', plugin: 'MariaDB' }));
  await reviewed();
  expect(requeued).toEqual([]);
  registry.register(registrationOf({ instanceId: 'b', plugin: 'PostgreSQL', version: '2.0.0' }));
  await reviewed();
  expect(requeued).toEqual(['postgresql']);
});

it('requeues exactly the resources that get another choice, for any change of the plugins', async () => {
  const instanceId = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  const change = fc.oneof(
    fc.record({
      does: fc.constant('register' as const),
      instanceId,
      plugin: fc.constantFrom('PostgreSQL', 'postgresql', 'MariaDB'),
      version: fc.constantFrom('1.0.0', '1.0.0', '1.0.0', '2.0.0'),
      apiVersion: fc.constantFrom('1.0.0', '1.0.0', '1.0.0', '2.0.0'),
      weight: fc.constantFrom(0, 100, 200),
    }),
    fc.record({ does: fc.constantFrom('lose', 'suspect', 'find', 'drain', 'stop serving', 'evict'), instanceId }),
  );
  const register = (one: Parameters<typeof registrationOf>[0]) => {
    try {
      registry.register(registrationOf(one));
    } catch (error) {
      // An instance that changes too often stays as it is.
      if (!(error instanceof RefusedRegistration)) throw error;
    }
  };
  const apply = (one: typeof change extends fc.Arbitrary<infer T> ? T : never) => {
    const { does, instanceId: id } = one;
    if ('plugin' in one) register(one);
    else if (does === 'lose') registry.markSuspect(id, 'Unreachable', 'refused');
    else if (does === 'suspect') registry.markSuspect(id, 'StreamBroken', 'broke');
    else if (does === 'find') registry.markReachable(id);
    else if (does === 'drain') registry.deregister(id);
    else if (does === 'stop serving') registry.setUnserved(id, new Set(['Table']));
    else registry.evict(id, 'stopped');
  };
  const nameOfChoice = (resource: Resource) =>
    choose(resource, settings, registry)
      .selection.chosen.map((one) => `${one.plugin.key} ${one.version}`)
      .join();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { maxLength: 2 }), { minLength: 20, maxLength: 40 }), async (turns) => {
      for (const changes of turns) {
        recordPasses({ next: 'settled' });
        const before = new Map(bases.map((resource) => [resource.metadata.name, nameOfChoice(resource)]));
        requeued = [];
        for (const one of changes) apply(one);
        await reviewed();
        const expected = bases.filter((resource) => nameOfChoice(resource) !== before.get(resource.metadata.name));
        expect(requeued.toSorted()).toEqual(expected.map(({ metadata }) => metadata.name).toSorted());
      }
    }),
    { numRuns: 100 },
  );
});
