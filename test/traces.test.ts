import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OtlpReceiver, type ReceivedSpan } from '@kplug/testing';
import { describe, expect, test } from 'vitest';
import { logged, startOperatorProgram, startTracedPlugin, tableManifest } from './traces.fixture.ts';

const isCall = ({ service, kind }: ReceivedSpan) => service === 'kplug-operator' && kind === 'client';
const isPass = ({ service, parentSpanId }: ReceivedSpan) => service === 'kplug-operator' && parentSpanId === '';

/** Names of the spans of a trace, indented below their parents. */
function tree(spans: readonly ReceivedSpan[], parent = '', depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .flatMap((span) => [`${'  '.repeat(depth)}${span.name}`, ...tree(spans, span.spanId, depth + 1)]);
}

/** Waits for the trace of the pass with a call. */
async function traceOfCall(collector: OtlpReceiver): Promise<{ pass: ReceivedSpan; call: ReceivedSpan }> {
  const call = await collector.waitFor(isCall);
  const pass = await collector.waitFor(({ spanId }) => spanId === call.parentSpanId);
  return { pass, call };
}

test('a pass is one trace, from the gathering to the last write, that goes on in the plugin', async () => {
  await using collector = await OtlpReceiver.start();
  const operator = await startOperatorProgram(collector.environment);
  const plugin = startTracedPlugin(operator, collector.environment);
  const { pass, call } = await traceOfCall(collector);
  await collector.waitFor(({ name, traceId }) => name === 'create table' && traceId === pass.traceId);

  expect(tree(collector.trace(pass.traceId))).toEqual([
    'reconcile Table',
    '  gather',
    '  select',
    '  add-finalizer Table',
    '  kplug.v1.PluginService/Reconcile',
    '    kplug.v1.PluginService/Reconcile',
    '      create table',
    '  status Table',
    '  apply ConfigMap',
    '  status TableStyle',
    '  status Table',
  ]);
  expect(pass).toMatchObject({
    kind: 'internal',
    status: { code: 'unset' },
    attributes: {
      'kplug.delegation': 'tables',
      'kplug.resource.api_version': 'example.org/v1',
      'kplug.resource.kind': 'Table',
      'kplug.resource.namespace': 'default',
      'kplug.resource.name': 'users',
      'kplug.resource.generation': 1,
      'kplug.pass.attempt': 1,
      'kplug.plugins': ['Traced 1.0.0'],
    },
  });
  expect(pass.resource).toMatchObject({ 'service.name': 'kplug-operator', 'service.version': expect.any(String) });
  expect(call.attributes).toMatchObject({
    'rpc.system.name': 'grpc',
    'rpc.method': 'kplug.v1.PluginService/Reconcile',
    'rpc.response.status_code': 'OK',
    'server.address': '127.0.0.1',
    'kplug.plugin.name': 'Traced',
    'kplug.plugin.version': '1.0.0',
    'kplug.protocol': 'kplug.v1',
  });
  const [gather, select, ...others] = collector.trace(pass.traceId).filter((one) => one.parentSpanId === pass.spanId);
  expect(gather?.attributes['kplug.extensions']).toBe('TableStyle default/wide');
  expect(select?.attributes['kplug.plugins']).toBe('Traced 1.0.0');
  expect(others.find(({ name }) => name === 'apply ConfigMap')?.attributes).toMatchObject({
    'kplug.write.verb': 'apply',
    'kplug.write.field_manager': expect.stringMatching(/^kplug\/tables/),
    'kplug.write.result': 'written',
    'kplug.resource.name': 'users',
  });

  const served = collector.trace(pass.traceId).find(({ parentSpanId }) => parentSpanId === call.spanId);
  expect(served).toMatchObject({
    service: 'traced-plugin',
    scope: '@kplug/sdk',
    kind: 'server',
    attributes: { 'kplug.delegation': 'tables', 'kplug.resource.name': 'users', 'kplug.outcome': 'success' },
  });
  // A log line refers to the trace that it was written in.
  expect(plugin.stdout).toContain(`"trace_id":"${pass.traceId}"`);
  expect(collector.faults).toEqual([]);
});

test('finalizing is a trace, too, and the last spans are sent when the operator stops', async () => {
  await using collector = await OtlpReceiver.start();
  const operator = await startOperatorProgram({ ...collector.environment, OTEL_BSP_SCHEDULE_DELAY: '600000' });
  const plugin = startTracedPlugin(operator, collector.environment);
  await collector.waitFor(({ service }) => service === 'traced-plugin');
  await rm(join(operator.manifests, 'table.yaml'));
  const drop = await collector.waitFor(({ name }) => name === 'drop table');
  await collector.waitFor(({ spanId }) => spanId === drop.parentSpanId);
  expect(collector.spans.filter(({ service }) => service === 'kplug-operator')).toEqual([]);
  operator.process.kill('SIGTERM');
  expect(await operator.process.ended()).toMatchObject({ code: 0 });

  const call = collector.spans.find(({ name, kind }) => kind === 'client' && name.endsWith('/Finalize'));
  expect(tree(collector.trace(call?.traceId ?? ''))).toEqual([
    'reconcile Table',
    '  gather',
    '  kplug.v1.PluginService/Finalize',
    '    kplug.v1.PluginService/Finalize',
    '      drop table',
    '  delete ConfigMap',
    '  remove-finalizer Table',
  ]);
  plugin.kill('SIGTERM');
});

test('a failure is an error of the pass, and of the span in the plugin', async () => {
  await using collector = await OtlpReceiver.start();
  const operator = await startOperatorProgram(collector.environment, tableManifest({ fails: true }));
  startTracedPlugin(operator, collector.environment);
  const { pass, call } = await traceOfCall(collector);
  const served = await collector.waitFor(({ parentSpanId }) => parentSpanId === call.spanId);

  expect(pass).toMatchObject({
    status: { code: 'error', message: expect.stringContaining('the disk is full') },
    attributes: { 'error.type': 'DiskFull', 'kplug.pass.result': 'retry', 'kplug.pass.reason': 'DiskFull' },
  });
  expect(call.status.code).toBe('unset');
  expect(served).toMatchObject({
    status: { code: 'error', message: 'the disk is full' },
    attributes: { 'error.type': 'DiskFull', 'kplug.outcome': 'retry' },
  });
});

test('log lines of a pass refer to its trace, and others to none', async () => {
  await using collector = await OtlpReceiver.start();
  const operator = await startOperatorProgram(collector.environment, tableManifest({ fails: true }));
  startTracedPlugin(operator, collector.environment);
  const { pass } = await traceOfCall(collector);
  const line = await logged(operator, 'the disk is full');
  expect(line).toMatchObject({ trace_id: pass.traceId, span_id: expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect(await logged(operator, 'delegating Table')).not.toHaveProperty('trace_id');
});

test('a trace that the sampler leaves out is not recorded by the plugin either', async () => {
  await using collector = await OtlpReceiver.start();
  const operator = await startOperatorProgram({ ...collector.environment, OTEL_TRACES_SAMPLER: 'always_off' });
  const plugin = startTracedPlugin(operator, collector.environment);
  await expect.poll(() => plugin.stdout, { timeout: 30_000 }).toContain('creating');
  operator.process.kill('SIGTERM');
  await operator.process.ended();
  plugin.kill('SIGTERM');
  await plugin.ended();
  expect(plugin.stdout).not.toContain('trace_id');
  expect(collector.spans).toEqual([]);
});

describe('a collector that does not answer', () => {
  const unreachable = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_BSP_SCHEDULE_DELAY: '50' };

  test('is reported once, and neither passes nor the stop wait for it', async () => {
    await using collector = await OtlpReceiver.start();
    const operator = await startOperatorProgram({ ...unreachable, OTEL_EXPORTER_OTLP_TIMEOUT: '500' });
    startTracedPlugin(operator, collector.environment);
    // The context goes on to the plugin, whether or not the operator's own spans are lost.
    await collector.waitFor(({ name }) => name === 'create table');
    await logged(operator, "traces can't be sent to http://127.0.0.1:1");
    for (let rows = 1; rows <= 5; rows++) {
      await writeFile(join(operator.manifests, 'table.yaml'), tableManifest({ rows }));
      const calls = () => collector.spans.filter(({ name }) => name === 'create table').length;
      await expect.poll(calls, { timeout: 30_000 }).toBeGreaterThan(rows);
    }
    const stoppedAt = performance.now();
    operator.process.kill('SIGTERM');
    expect(await operator.process.ended()).toMatchObject({ code: 0 });
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    expect(operator.process.stderr.match(/traces can't be sent/g)).toHaveLength(1);
    expect(operator.process.stderr).not.toContain('OpenTelemetry:');
  });

  test('is reported when it answers again', async () => {
    await using collector = await OtlpReceiver.start();
    collector.refuse(500);
    const operator = await startOperatorProgram(collector.environment);
    startTracedPlugin(operator, {});
    await logged(operator, "traces can't be sent");
    collector.refuse(undefined);
    await writeFile(join(operator.manifests, 'table.yaml'), tableManifest({ rows: 2 }));
    await collector.waitFor(isPass);
    expect(await logged(operator, 'again')).toMatchObject({ lostSpans: expect.any(Number) });
  });
});

test('the SDK of OpenTelemetry is not even loaded unless traces are asked for', async () => {
  const hook = `import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) {
      if (url.includes('sdk-trace')) console.error('the SDK of OpenTelemetry is loaded');
      return next(url, context);
    } });`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
  const quiet = await startOperatorProgram(env);
  expect(quiet.process.stderr).not.toContain('is loaded');
  const tracing = await startOperatorProgram({ ...env, OTEL_TRACES_EXPORTER: 'otlp' });
  expect(tracing.process.stderr).toContain('is loaded');
});
