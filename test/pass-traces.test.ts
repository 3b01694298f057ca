import { once } from 'node:events';
import { KplugError } from '@kplug/controller';
import { terminal } from '@kplug/sdk';
import { TestOperator, V0Plugin } from '@kplug/testing';
import { KubernetesOperator, uniqueGroup } from '@kplug/testing/cluster';
import { definition, startTimeout } from '@kplug/testing/control-plane';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { connectCluster, defineKind } from './ten-causes.fixture.ts';

// The operator of a program that registers an SDK of its own.
const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

beforeEach(() => exporter.reset());
afterAll(() => provider.shutdown());

const waiting = { timeout: 10_000, interval: 10 };
const spans = () => exporter.getFinishedSpans();
const callsOf = (plugin: string) =>
  spans().filter(({ kind, attributes }) => kind === SpanKind.CLIENT && attributes['kplug.plugin.name'] === plugin);
const traceOf = (span: ReadableSpan) =>
  spans().filter((one) => one.spanContext().traceId === span.spanContext().traceId);
const passOf = (span: ReadableSpan) => traceOf(span).find(({ parentSpanContext }) => !parentSpanContext);
const named = (name: string, table = 'users') =>
  spans().filter((span) => span.name === name && passOf(span)?.attributes['kplug.resource.name'] === table);

// Spans are compared by their fields, as printing whole ones takes seconds.

async function firstNamed(name: string): Promise<ReadableSpan> {
  return vi.waitFor(() => {
    const [found] = named(name);
    if (!found) throw new Error(`there is no span ${name}`);
    return found;
  }, waiting);
}

/** Waits for the pass that called a plugin. */
async function passThatCalled(plugin: string): Promise<{ call: ReadableSpan; pass: ReadableSpan }> {
  return vi.waitFor(() => {
    const [call] = callsOf(plugin);
    const pass = call && passOf(call);
    if (!call || !pass) throw new Error(`no pass called ${plugin}`);
    return { call, pass };
  }, waiting);
}

test('a plugin of the first Kplug gets the context of the call as a header', async () => {
  const operator = await TestOperator.start({}, { allowInsecurePlugins: true });
  const plugin = await V0Plugin.start(operator, { name: 'Old' });
  operator.table('users');
  const { call } = await passThatCalled('Old');
  const { traceId, spanId } = call.spanContext();
  expect({ name: call.name, attributes: call.attributes }).toMatchObject({
    name: 'Reconcile',
    attributes: { 'kplug.protocol': 'kplug', 'rpc.response.status_code': 'OK' },
  });
  expect(plugin.traceparents[0]).toBe(`00-${traceId}-${spanId}-01`);
});

test('a hand-over is in the trace of the pass that hands over', async () => {
  const operator = await TestOperator.start({ handOver: 'finalize' });
  await operator.plugin({ name: 'Former', finalize: () => undefined });
  await operator.plugin({ name: 'Next' });
  operator.table('users', { preferredImplementation: 'Former' });
  await operator.expectReady('users', 'Former');
  operator.table('users', { preferredImplementation: 'Next' });
  const { pass } = await passThatCalled('Next');
  const calls = traceOf(pass).filter(({ kind }) => kind === SpanKind.CLIENT);
  expect(calls.map(({ name, attributes }) => [attributes['kplug.plugin.name'], name])).toEqual([
    ['Former', 'kplug.v1.PluginService/Finalize'],
    ['Next', 'kplug.v1.PluginService/Reconcile'],
  ]);
});

test('a pass that makes no call, as the answer holds, is a trace of its own', async () => {
  const operator = await TestOperator.start({ resync: 20 });
  await operator.plugin({ name: 'Careful', reconcile: () => ({ validFor: 3_600_000 }) });
  operator.table('users');
  await vi.waitFor(() => expect(named('reconcile Table').length).toBeGreaterThan(5), waiting);
  const last = named('reconcile Table').at(-1) as ReadableSpan;
  expect(traceOf(last).map(({ name }) => name)).toEqual(['gather', 'select', 'status Table', 'reconcile Table']);
  expect(callsOf('Careful').length).toBe(1);
});

test('passes that run side by side have traces of their own', async () => {
  const operator = await TestOperator.start();
  const { promise, resolve } = Promise.withResolvers<void>();
  await operator.plugin({ name: 'Slow', reconcile: () => promise });
  const names = ['a', 'b', 'c'];
  for (const name of names) operator.table(name);
  await vi.waitFor(() => expect(names.map((name) => operator.get(name)?.metadata.finalizers)).not.toContain(undefined));
  resolve();
  for (const name of names) await operator.expectReady(name);
  const passes = await vi.waitFor(() => {
    const found = callsOf('Slow').flatMap((call) => passOf(call) ?? []);
    expect(found.length).toBe(3);
    return found;
  }, waiting);
  expect(passes.map(({ attributes }) => attributes['kplug.resource.name']).sort()).toEqual(names);
  expect(new Set(passes.map((pass) => pass.spanContext().traceId)).size).toBe(3);
});

test('a write that fails is an error of its span and of the pass, with the code', async () => {
  const operator = await TestOperator.start();
  const failure = new KplugError('StorageFailed', 'the disk is full');
  vi.spyOn(operator.resources, 'addFinalizer').mockRejectedValue(failure);
  await operator.plugin({ name: 'PostgreSQL' });
  operator.table('users');
  const write = await firstNamed('add-finalizer Table');
  await firstNamed('reconcile Table');
  const error = {
    status: { code: SpanStatusCode.ERROR, message: 'the disk is full' },
    attributes: { 'error.type': 'StorageFailed' },
  };
  for (const { status, attributes } of [write, passOf(write) ?? write])
    expect({ status, attributes }).toMatchObject(error);
});

test('a plugin that fails with a gRPC error has the code in the span of the call', async () => {
  const operator = await TestOperator.start({ deadline: 200 });
  await operator.plugin({ name: 'Hanging', reconcile: async ({ signal }) => void (await once(signal, 'abort')) });
  operator.table('users');
  const { call, pass } = await passThatCalled('Hanging');
  expect({ status: call.status, attributes: call.attributes }).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'rpc.response.status_code': 'DEADLINE_EXCEEDED', 'error.type': 'DeadlineExceeded' },
  });
  expect(pass.attributes).toMatchObject({ 'kplug.pass.result': 'retry', 'error.type': 'DeadlineExceeded' });
});

test('a pass that waits for a plugin says so', async () => {
  const operator = await TestOperator.start();
  operator.table('users');
  const pass = await firstNamed('reconcile Table');
  expect(pass.attributes).toMatchObject({
    'kplug.pass.result': 'waiting',
    'kplug.pass.reason': 'NoPlugin',
    'kplug.plugins': [],
  });
});

test('a pass has failed when its plugin reports a failure for good', async () => {
  const operator = await TestOperator.start();
  await operator.plugin({
    name: 'PostgreSQL',
    reconcile: () => {
      throw terminal('columns cannot shrink', { reason: 'Incompatible' });
    },
  });
  operator.table('users');
  const { pass } = await passThatCalled('PostgreSQL');
  expect({ attributes: pass.attributes, code: pass.status.code }).toMatchObject({
    attributes: { 'kplug.pass.result': 'waiting', 'error.type': 'Incompatible' },
    code: SpanStatusCode.ERROR,
  });
});

test(
  'each write to an API server is a span, with its result or the reason of its refusal',
  async () => {
    const cluster = await connectCluster();
    const namespace = await cluster.namespace();
    const group = uniqueGroup();
    const base = { apiVersion: `${group}/v1`, kind: 'Table' };
    await defineKind(cluster, definition({ group, kind: 'Table' }));
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };
    const operator = await KubernetesOperator.start(cluster, namespace, {
      delegation: { base, dependents: { kinds: [configMap] } },
    });
    const settings = { ...configMap, metadata: { name: 'settings' }, data: { a: 'b' } };
    // The second one is a request that the API server refuses.
    const invalid = { ...configMap, metadata: { name: 'settings' }, data: { a: ['b'] } };
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: ({ base: { spec } }) => ({
        dependents: [(spec as { isInvalid?: true }).isInvalid ? invalid : settings],
      }),
    });
    const table = (spec: object) => ({ ...base, metadata: { name: 'users', namespace }, spec });
    await cluster.apply(table({}));
    const { pass } = await passThatCalled('PostgreSQL');
    const writes = () => traceOf(pass).filter(({ attributes }) => attributes['kplug.step'] === 'write');
    const resultOf = (name: string) => writes().find((span) => span.name === name)?.attributes['kplug.write.result'];
    expect([resultOf('add-finalizer Table'), resultOf('apply ConfigMap')]).toEqual(['written', 'written']);
    expect(writes().at(-1)).toMatchObject({ name: 'status Table', attributes: { 'kplug.write.result': 'written' } });
    exporter.reset();
    await cluster.apply(table({ isInvalid: true }));
    const refused = await vi.waitFor(() => {
      const found = named('apply ConfigMap').find(({ status }) => status.code === SpanStatusCode.ERROR);
      if (!found) throw new Error('no write was refused');
      return found;
    }, waiting);
    expect(refused.status.message).toContain('settings');
    expect(refused.attributes['error.type']).toMatch(/^[A-Z][A-Za-z]+$/);
  },
  startTimeout,
);
