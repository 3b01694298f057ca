import type { PluginDefinition } from '@kplug/sdk';
import { reference, TestOperator } from '@kplug/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 10_000, interval: 5 };

/** Longest time until a healthy plugin is called, in milliseconds, beside the work of this process. */
const soon = 100;

/** Work of a plugin that doesn't end until the test does, and the resources that it was called for. */
function hanging() {
  const called: string[] = [];
  const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
  const hang = ({ base }: { base: { metadata: { name: string } } }) => {
    called.push(base.metadata.name);
    return released;
  };
  return { called, hang, release };
}

/** Ends work with the call that it belongs to, so that the resource can be called again. */
function untilCancelled<T>({ signal }: { signal: AbortSignal }, work: Promise<T>): Promise<T> {
  const cancelled = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
  return Promise.race([work, cancelled]);
}

/** Serves plugins of which one method hangs. */
async function serveHanging(
  operator: TestOperator,
  method: 'reconcile' | 'finalize',
  ...definitions: (Partial<PluginDefinition> & { name: string })[]
): Promise<string[]> {
  const { called, hang, release } = hanging();
  for (const definition of definitions) await operator.plugin({ ...definition, [method]: hang });
  onTestFinished(() => release(undefined));
  return called;
}

/** Plugin that records when it is called for a resource. */
function recording(name: string, given: Partial<PluginDefinition> = {}) {
  const calls = new Map<string, PromiseWithResolvers<number>>();
  const callOf = (resource: string) => {
    const call = calls.get(resource) ?? Promise.withResolvers<number>();
    calls.set(resource, call);
    return call;
  };
  const definition = {
    name,
    reconcile: ({ base }: { base: { metadata: { name: string } } }) => {
      callOf(base.metadata.name).resolve(performance.now());
      return { status: { by: name } };
    },
    ...given,
  };
  return { definition, calledAt: (resource: string) => callOf(resource).promise };
}

/** Waits until work that hangs has begun for several resources. */
async function untilHanging(called: readonly string[], count = 20): Promise<void> {
  await vi.waitFor(() => expect(called.length).toBeGreaterThanOrEqual(count), waiting);
}

/** Applies a resource and expects it to be called soon. The fastest of some attempts counts, as the machine may be busy. */
async function expectCalledSoon(
  operator: TestOperator,
  calledAt: (resource: string) => Promise<number>,
  preferredImplementation?: string,
): Promise<void> {
  const times: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    const name = `sound-${attempt}`;
    const appliedAt = performance.now();
    operator.table(name, preferredImplementation ? { preferredImplementation } : {});
    times.push((await calledAt(name)) - appliedAt);
  }
  expect(Math.min(...times)).toBeLessThan(soon);
}

function tables(operator: TestOperator, count: number, spec = {}, prefix = 'table'): string[] {
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  for (const name of names) operator.table(name, spec);
  return names;
}

describe('a healthy plugin is called immediately', () => {
  it.each([1, 2, 32])('while another one hangs with 40 resources, with a concurrency of %d', async (concurrency) => {
    const operator = await TestOperator.start({ concurrency });
    const called = await serveHanging(operator, 'reconcile', { name: 'Hung' });
    tables(operator, 40, { preferredImplementation: 'Hung' });
    await untilHanging(called, Math.min(20, concurrency));
    const { definition, calledAt } = recording('Sound');
    await operator.plugin(definition);
    await expectCalledSoon(operator, calledAt, 'Sound');
    expect(called.length).toBeLessThanOrEqual(concurrency);
  });

  it('while two others hang with 100 resources each', async () => {
    const operator = await TestOperator.start();
    const called = await serveHanging(operator, 'reconcile', { name: 'Hung' }, { name: 'Stuck' });
    const { definition, calledAt } = recording('Sound');
    await operator.plugin(definition);
    for (const name of ['Hung', 'Stuck']) tables(operator, 100, { preferredImplementation: name }, name.toLowerCase());
    await untilHanging(called);
    await expectCalledSoon(operator, calledAt, 'Sound');
    expect(called.length).toBeLessThanOrEqual(32 + 4);
  });

  it('for many resources, while another one hangs', async () => {
    const operator = await TestOperator.start();
    const called = await serveHanging(operator, 'reconcile', { name: 'Hung' });
    tables(operator, 100, { preferredImplementation: 'Hung' });
    await untilHanging(called);
    await operator.plugin({ name: 'Sound' });
    for (const name of tables(operator, 100, { preferredImplementation: 'Sound' }, 'sound')) {
      await operator.expectReady(name, 'Sound');
    }
  });

  it.each(['another plugin', 'the same plugin'])('while Finalize of %s hangs', async (of) => {
    const operator = await TestOperator.start();
    const { definition, calledAt } = recording('Sound');
    const holder = of === 'another plugin' ? 'Hung' : 'Sound';
    const called = await serveHanging(operator, 'finalize', { ...definition, name: holder });
    if (of === 'another plugin') await operator.plugin(definition);
    const names = tables(operator, 60, { preferredImplementation: holder });
    for (const name of names) await operator.expectReady(name, holder);
    for (const name of names) operator.delete(name);
    await untilHanging(called);
    await expectCalledSoon(operator, calledAt, 'Sound');
  });

  it('while another one hangs when it hands its resources over', async () => {
    const operator = await TestOperator.start({ handOver: 'finalize' });
    const called = await serveHanging(operator, 'finalize', { name: 'Hung' });
    const names = tables(operator, 60, { preferredImplementation: 'Hung' });
    for (const name of names) await operator.expectReady(name, 'Hung');
    const { definition, calledAt } = recording('Sound');
    await operator.plugin(definition);
    for (const name of names) operator.table(name, { preferredImplementation: 'Sound' });
    await untilHanging(called);
    await expectCalledSoon(operator, calledAt, 'Sound');
  });

  it('while another one hangs, if every plugin reconciles each resource', async () => {
    const operator = await TestOperator.start({ selection: { mode: 'all' }, concurrency: 8 });
    const called = await serveHanging(operator, 'reconcile', { name: 'Hung' });
    const { definition, calledAt } = recording('Sound');
    await operator.plugin(definition);
    tables(operator, 40);
    await untilHanging(called, 8);
    await expectCalledSoon(operator, calledAt);
    expect(called.length).toBe(8);
  });

  it('for a resource that waited for the plugin that hangs, when its preference changes', async () => {
    const operator = await TestOperator.start();
    const called = await serveHanging(operator, 'reconcile', { name: 'Hung' });
    const { definition, calledAt } = recording('Sound');
    await operator.plugin(definition);
    const names = tables(operator, 60, { preferredImplementation: 'Hung' });
    await untilHanging(called);
    const waits = names.find((name) => !called.includes(name)) ?? '';
    operator.table(waits, { preferredImplementation: 'Sound' });
    await calledAt(waits);
  });

  it('for resources that waited for a plugin that hangs, when a better one registers', async () => {
    const operator = await TestOperator.start();
    const called = await serveHanging(operator, 'reconcile', { name: 'Hung' });
    const names = tables(operator, 60);
    // As many as are reconciled concurrently.
    await untilHanging(called, 32);
    const waits = names.filter((name) => !called.includes(name));
    await operator.plugin({ name: 'Sound' }, { weight: 200 });
    for (const name of waits) await operator.expectReady(name, 'Sound');
  });
});

describe('a resource is reconciled immediately', () => {
  it('while extensions of a kind that others reference cannot be read', async () => {
    const operator = await TestOperator.start();
    const never = Promise.withResolvers<void>();
    const follow = operator.resources.follow.bind(operator.resources);
    let isReading = false;
    vi.spyOn(operator.resources, 'follow').mockImplementation(async (kind, ...rest) => {
      if (kind.kind === 'Slow') {
        isReading = true;
        await never.promise;
      }
      return follow(kind, ...rest);
    });
    onTestFinished(() => never.resolve());
    const { definition, calledAt } = recording('Sound');
    await operator.plugin(definition);
    tables(operator, 100, { extensions: [reference('Slow', 'one')] });
    await vi.waitFor(() => expect(isReading).toBe(true), waiting);
    await expectCalledSoon(operator, calledAt);
    never.resolve();
    await operator.expectCondition('table-99', 'Ready', { status: 'False', reason: 'ExtensionNotFound' });
  });

  it('while a status of another one takes long to be written', async () => {
    const operator = await TestOperator.start({ concurrency: 4 });
    const never = Promise.withResolvers<void>();
    const write = operator.resources.applyStatus.bind(operator.resources);
    let isWriting = false;
    vi.spyOn(operator.resources, 'applyStatus').mockImplementation(async (key, ...rest) => {
      if (key.endsWith('/slow')) {
        isWriting = true;
        await never.promise;
      }
      return write(key, ...rest);
    });
    onTestFinished(() => never.resolve());
    const { definition, calledAt } = recording('Sound');
    await operator.plugin(definition);
    operator.table('slow');
    await vi.waitFor(() => expect(isWriting).toBe(true), waiting);
    await expectCalledSoon(operator, calledAt);
    never.resolve();
    await operator.expectReady('slow');
  });

  it('while its plugin hangs with others, whose calls have timed out', async () => {
    const operator = await TestOperator.start({ concurrency: 4, deadline: 500, breaker: { timeouts: 0 } });
    const { called, hang, release } = hanging();
    const { definition, calledAt } = recording('Sound');
    const reconcile: PluginDefinition['reconcile'] = (call) =>
      call.base.metadata.name.startsWith('table') ? untilCancelled(call, hang(call)) : definition.reconcile(call);
    await operator.plugin({ ...definition, reconcile });
    onTestFinished(() => release(undefined));
    const names = tables(operator, 12);
    await vi.waitFor(() => expect(new Set(called).size).toBe(names.length), waiting);
    await untilHanging(called, 18);
    await expectCalledSoon(operator, calledAt);
  });

  it('before the many of another namespace that wait', async () => {
    const operator = await TestOperator.start({ concurrency: 1 });
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    await operator.plugin({
      name: 'Sound',
      reconcile: async ({ base: { metadata } }) => {
        order.push(metadata.namespace ?? '');
        await first.promise;
      },
    });
    const apply = (namespace: string, name: string) =>
      operator.resources.apply({
        apiVersion: 'myorg.org/v1alpha1',
        kind: 'Table',
        metadata: { namespace, name },
        spec: {},
      });
    for (let index = 0; index < 100; index++) apply('many', `table-${index}`);
    await vi.waitFor(() => expect(order).toHaveLength(1), waiting);
    apply('few', 'users');
    first.resolve();
    await vi.waitFor(() => expect(order).toContain('few'), waiting);
    expect(order.indexOf('few')).toBeLessThanOrEqual(2);
  });

  it('after a change, before those that are reconciled at the start', async () => {
    const operator = new TestOperator({ concurrency: 1 });
    for (let index = 0; index < 100; index++) operator.table(`table-${index}`);
    await operator.controller.start();
    onTestFinished(() => operator.controller.stop());
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    await operator.plugin({
      name: 'Sound',
      reconcile: async ({ base: { metadata } }) => {
        order.push(metadata.name);
        await first.promise;
      },
    });
    await vi.waitFor(() => expect(order).toHaveLength(1), waiting);
    operator.table('new');
    operator.table('table-99', { changed: true });
    first.resolve();
    await vi.waitFor(() => expect(new Set(order).size).toBe(101), waiting);
    expect(order.slice(1, 3)).toEqual(['new', 'table-99']);
  });
});

describe('a resource is not reconciled in a loop', () => {
  it('that changes during each call', async () => {
    const operator = await TestOperator.start();
    let calls = 0;
    await operator.plugin({
      name: 'Busy',
      reconcile: () => {
        calls++;
        operator.table('users', { calls });
      },
    });
    operator.table('users');
    await vi.waitFor(() => expect(calls).toBeGreaterThanOrEqual(100), waiting);
    const startedAt = performance.now();
    const before = calls;
    await vi.waitFor(() => expect(calls).toBeGreaterThanOrEqual(before + 2), waiting);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });

  it('whose extension changes during each call', async () => {
    const operator = await TestOperator.start();
    operator.extension('PgOptions', 'users');
    let calls = 0;
    await operator.plugin({
      name: 'Busy',
      reconcile: () => {
        calls++;
        operator.extension('PgOptions', 'users', { calls });
      },
    });
    operator.table('users', { extensions: [reference('PgOptions', 'users')] });
    await vi.waitFor(() => expect(calls).toBeGreaterThanOrEqual(100), waiting);
    const startedAt = performance.now();
    const before = calls;
    await vi.waitFor(() => expect(calls).toBeGreaterThanOrEqual(before + 2), waiting);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });
});
