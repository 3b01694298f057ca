import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { PluginCaller } from '../clients/caller.ts';
import { type PluginAnswer, plainSuccess } from '../clients/plugin-call.ts';
import { KplugError } from '../errors.ts';
import { Registry } from '../registry/registry.ts';
import { ManualClock, registrationOf } from '../registry/testing.ts';
import { findCondition } from '../resources/conditions.ts';
import { MemoryResources } from '../resources/memory/memory-resources.ts';
import { keyOf } from '../resources/resource.ts';
import { RecentEvents } from '../telemetry/events.ts';
import type { DelegationDeclaration } from './declaration.ts';
import { Delegation } from './delegation.ts';
import { readDeclaration } from './delegation-settings.ts';

const base = { apiVersion: 'myorg.org/v1', kind: 'Table' };
const observer = {
  queued: () => undefined,
  worked: () => undefined,
  passed: () => undefined,
  failed: () => undefined,
  answerFailed: () => undefined,
  writeFailed: () => undefined,
};

/** Runs a delegation with one resource and one plugin, whose calls the test answers. */
async function delegate(
  call: (parts: { registry: Registry; resources: MemoryResources }) => Promise<PluginAnswer>,
  declaration: Partial<DelegationDeclaration> = {},
) {
  const settings = readDeclaration({
    name: 'tables',
    base,
    api: 'Table@^1.0.0',
    backOff: { initial: 100, max: 400 },
    ...declaration,
  });
  const resources = new MemoryResources();
  const registry = new Registry({ clock: new ManualClock() });
  registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL' }));
  const calledAt: number[] = [];
  const make = () => {
    calledAt.push(performance.now());
    return call({ registry, resources });
  };
  const caller = { reconcile: make, finalize: make } as unknown as PluginCaller;
  const log = pino({ level: 'silent' });
  const delegation = new Delegation(settings, {
    resources,
    registry,
    caller,
    events: new RecentEvents(log),
    observer,
    log,
  });
  const { metadata } = resources.apply({ ...base, metadata: { name: 'users' }, spec: {} });
  const key = keyOf({ ...base, metadata, spec: {} });
  await delegation.start();
  onTestFinished(() => delegation.stop());
  return { resources, registry, calledAt, key };
}

async function expectCalls(calledAt: readonly number[], count: number): Promise<void> {
  await vi.waitFor(() => expect(calledAt.length).toBeGreaterThanOrEqual(count), { timeout: 10_000, interval: 5 });
}

it('a plugin that is unreachable in each call, but registered, is called with back-off', async () => {
  const { calledAt, resources, key } = await delegate(async () => {
    throw new KplugError('PluginUnavailable', 'PostgreSQL 1.0.0 is unreachable');
  });
  await expectCalls(calledAt, 4);
  const [first = 0, second = 0, third = 0] = calledAt;
  expect(second - first).toBeGreaterThanOrEqual(49);
  expect(third - second).toBeGreaterThanOrEqual(99);
  expect(findCondition(resources.get(key)?.status, 'Ready')).toMatchObject({
    reason: 'PluginUnavailable',
    message: 'PostgreSQL 1.0.0 became unreachable again during the call; check whether it crashes',
  });
});

it('a plugin that is unreachable in each call of Finalize, but registered, is called with back-off', async () => {
  let isDeleted = false;
  const { calledAt, resources, key } = await delegate(async () => {
    if (!isDeleted) return plainSuccess;
    throw new KplugError('PluginUnavailable', 'PostgreSQL 1.0.0 is unreachable');
  });
  await vi.waitFor(() => expect(findCondition(resources.get(key)?.status, 'Ready')?.status).toBe('True'));
  isDeleted = true;
  calledAt.length = 0;
  resources.delete(key);
  await expectCalls(calledAt, 3);
  const [first = 0, second = 0, third = 0] = calledAt;
  expect(second - first).toBeGreaterThanOrEqual(49);
  expect(third - second).toBeGreaterThanOrEqual(99);
});

it('a plugin that registers again during each call is called at a limited rate', async () => {
  let version = 0;
  const { calledAt } = await delegate(async ({ registry }) => {
    registry.evict('a', 'it stopped');
    version++;
    registry.register(registrationOf({ instanceId: 'a', plugin: 'PostgreSQL', version: `1.0.${version}` }));
    return plainSuccess;
  });
  await expectCalls(calledAt, 103);
  const [first = 0, , third = 0] = calledAt.slice(100);
  expect(third - first).toBeGreaterThan(900);
});
