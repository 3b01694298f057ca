import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OtlpReceiver, type ReceivedSpan } from '@kplug/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { goVariables, hasGoFor, tracedGoPlugin } from '../tools/languages/go.ts';
import { installPythonFor, pythonPackage } from '../tools/python/environment.ts';
import { startOperatorProgram, type TracedOperator, tableManifest } from './traces.fixture.ts';

// In CI, a missing toolchain is a failure.
const hasGo = await hasGoFor('the tests of traces in Go');
const python = (await installPythonFor('the tests of traces in Python')) ?? '';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-traced-'));
  if (!hasGo) return;
  const env = { ...process.env, ...goVariables };
  await promisify(execFile)('go', ['build', '-o', join(folder, 'traced'), '.'], { cwd: tracedGoPlugin, env });
}, 400_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const languages = [
  {
    language: 'Python',
    isInstalled: python !== '',
    scope: 'kplug',
    command: () => [python, join(pythonPackage, 'tests/plugins/traced.py')],
  },
  { language: 'Go', isInstalled: hasGo, scope: 'kplug.dev/sdk-go', command: () => [join(folder, 'traced')] },
];

describe.each(languages.filter(({ isInstalled }) => isInstalled))('a plugin in $language', ({ scope, command }) => {
  it('goes on with the trace of the pass, in which the author’s spans are', { timeout: 60_000 }, async () => {
    await using collector = await OtlpReceiver.start();
    const operator = await startOperatorProgram(collector.environment);
    startPlugin(operator, command(), collector.environment);
    const call = await collector.waitFor(isCallOf('Reconcile'));
    const served = await collector.waitFor(({ parentSpanId }) => parentSpanId === call.spanId);
    const own = await collector.waitFor(({ parentSpanId }) => parentSpanId === served.spanId);
    expect(served).toMatchObject({
      ...{ service: 'traced-plugin', scope, kind: 'server', traceId: call.traceId },
      name: 'kplug.v1.PluginService/Reconcile',
      status: { code: 'unset' },
      attributes: {
        'rpc.system.name': 'grpc',
        'rpc.method': 'kplug.v1.PluginService/Reconcile',
        'kplug.delegation': 'tables',
        'kplug.api.name': 'Table',
        'kplug.api.version': '1.0.0',
        'kplug.call.attempt': 1,
        'kplug.resource.kind': 'Table',
        'kplug.resource.namespace': 'default',
        'kplug.resource.name': 'users',
        'kplug.outcome': 'success',
      },
    });
    expect(own).toMatchObject({ name: 'create table', traceId: call.traceId });
    const pass = await collector.waitFor(({ spanId }) => spanId === call.parentSpanId);
    expect(pass).toMatchObject({ service: 'kplug-operator', name: 'reconcile Table', traceId: call.traceId });

    await rm(join(operator.manifests, 'table.yaml'));
    const finalize = await collector.waitFor(isCallOf('Finalize'));
    const finalized = await collector.waitFor(({ parentSpanId }) => parentSpanId === finalize.spanId);
    const dropped = await collector.waitFor(({ parentSpanId }) => parentSpanId === finalized.spanId);
    expect(finalized).toMatchObject({ name: 'kplug.v1.PluginService/Finalize', traceId: finalize.traceId });
    expect(dropped.name).toBe('drop table');
    expect(collector.faults).toEqual([]);
  });

  it('tells in its span why it failed', { timeout: 60_000 }, async () => {
    await using collector = await OtlpReceiver.start();
    const operator = await startOperatorProgram(collector.environment, tableManifest({ fails: true }));
    startPlugin(operator, command(), collector.environment);
    const call = await collector.waitFor(isCallOf('Reconcile'));
    const served = await collector.waitFor(({ parentSpanId }) => parentSpanId === call.spanId);
    expect(served).toMatchObject({
      status: { code: 'error', message: 'the disk is full' },
      attributes: { 'kplug.outcome': 'retry', 'error.type': 'DiskFull' },
    });
  });

  it('records nothing of a pass that the operator’s sampler leaves out', { timeout: 60_000 }, async () => {
    await using collector = await OtlpReceiver.start();
    const operator = await startOperatorProgram({ ...collector.environment, OTEL_TRACES_SAMPLER: 'always_off' });
    const plugin = startPlugin(operator, command(), collector.environment);
    await resourceIsReady(operator);
    plugin.kill('SIGTERM');
    await once(plugin, 'exit');
    expect(collector.spans).toEqual([]);
  });
});

function isCallOf(method: string): (span: ReceivedSpan) => boolean {
  return ({ service, kind, name }) => service === 'kplug-operator' && kind === 'client' && name.endsWith(`/${method}`);
}

/** Starts a plugin that exports its spans. It is killed when the test ends. */
function startPlugin({ at }: TracedOperator, [program = '', ...args]: string[], env: Record<string, string>) {
  const variables = { KPLUG_CONTROLLER: at.heartbeatAddress, OTEL_SERVICE_NAME: 'traced-plugin' };
  const child = spawn(program, args, {
    env: { ...process.env, ...variables, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  onTestFinished(({ task }) => {
    child.kill('SIGKILL');
    if (task.result?.state === 'fail') console.error(output);
  });
  return child;
}

/** Waits until the resource is ready, so that the plugin was called. */
async function resourceIsReady({ at }: TracedOperator): Promise<void> {
  const metrics = async () => (await fetch(`http://${at.adminAddress}/metrics`)).text();
  await expect.poll(metrics, { timeout: 30_000 }).toContain('kplug_resources{delegation="tables",state="ready"} 1');
}
