import { fork } from 'node:child_process';
import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { definePlugin, type PluginDefinition, retry, type ServeOptions, terminal } from '@kplug/sdk';
import { countingPlugin, TestOperator, V0Operator } from '@kplug/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';

const table = {
  apiVersion: 'myorg.org/v1alpha1',
  kind: 'Table',
  metadata: { name: 'users', namespace: 'default', uid: 'u', generation: 1 },
  spec: { columns: 2 },
};
const key = 'myorg.org/v1alpha1/PgOptions/default/users';
const options = { ...table, kind: 'PgOptions', spec: { partitions: 4 } };

async function serve(given: Partial<PluginDefinition>, more: ServeOptions = {}) {
  const operator = await V0Operator.start();
  const plugin = await definePlugin({
    name: 'Today',
    version: '1.2.3',
    api: 'Table@1.0.0',
    reconcile: () => undefined,
    ...given,
  }).serve({ protocol: 'kplug', controller: operator.address, logLevel: 'silent', handleSignals: false, ...more });
  onTestFinished(() => plugin.stop());
  return { operator, plugin };
}

describe('a plugin of the SDK with an operator of the first Kplug', () => {
  it('sends v0 heartbeats with an address at which it is reachable', async () => {
    const { operator, plugin } = await serve({});
    await vi.waitFor(() => expect(operator.heartbeats.length).toBeGreaterThan(1), { timeout: 15_000, interval: 50 });
    const [first, second] = operator.heartbeats;
    expect(first?.information).toMatchObject({
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      name: 'Today',
      version: '1.2.3',
      api: 'Table',
      apiVersion: '1.0.0',
    });
    expect(second?.information).toEqual(first?.information);
    expect(second?.peer).not.toBe(first?.peer);
    expect(plugin.registered).toBe(true);
    await plugin.stop();
    const received = operator.heartbeats.length;
    expect(plugin.registered).toBe(false);
    await expect(operator.call('create', table)).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
    expect(operator.heartbeats).toHaveLength(received);
  });

  it('sends heartbeats for each of its APIs', async () => {
    const { operator } = await serve({ api: ['Table@1.0.0', 'View@2.0.0'] }, { address: 'plugin.example:7000' });
    await vi.waitFor(() => expect(operator.heartbeats.length).toBe(2));
    expect(operator.heartbeats.map(({ information }) => [information.api, information.apiVersion])).toEqual([
      ['Table', '1.0.0'],
      ['View', '2.0.0'],
    ]);
    expect(operator.heartbeats[0]?.information.address).toBe('plugin.example:7000');
  });

  it('is not registered when its heartbeat is not accepted', async () => {
    const operator = await V0Operator.start();
    operator.answer = { accepted: false, notAcceptedReason: 'no api' };
    const definition = { name: 'Today', version: '1.0.0', api: 'Table@1.0.0', reconcile: () => undefined };
    const plugin = await definePlugin(definition).serve({
      protocol: 'kplug',
      controller: operator.address,
      logLevel: 'silent',
      handleSignals: false,
    });
    onTestFinished(() => plugin.stop());
    await vi.waitFor(() => expect(operator.heartbeats.length).toBe(1));
    expect(plugin.registered).toBe(false);
  });

  it('reconciles on create and on update, and finalizes on delete', async () => {
    const seen: unknown[] = [];
    const { operator } = await serve({
      reconcile: ({ base, extensions, assignment }) => {
        const extension = extensions.get('PgOptions');
        seen.push([base.spec, extension?.spec, assignment.api]);
        return {
          status: { implementation: 'Today', note: 'no' },
          extensions: extension ? [{ extension, status: { done: true } }] : [],
        };
      },
      finalize: ({ base, cause }) => void seen.push([base.metadata.name, cause]),
    });
    expect(await operator.call('create', table, { [key]: options })).toEqual({
      base: { implementation: 'Today', note: 'no' },
      references: { [key]: { done: true } },
    });
    expect((await operator.call('update', table)).references).toEqual({});
    await operator.delete(table);
    expect(seen).toEqual([
      [{ columns: 2 }, { partitions: 4 }, 'Table'],
      [{ columns: 2 }, undefined, 'Table'],
      ['users', 'deleted'],
    ]);
  });

  it('returns an empty mapping if reconcile returns nothing', async () => {
    const { operator } = await serve({});
    expect(await operator.call('create', table)).toEqual({ base: {}, references: {} });
    await operator.delete(table);
  });

  it('answers failures with gRPC errors, as the protocol has no outcomes', async () => {
    const { operator } = await serve({
      base: z.object({ spec: z.object({ columns: z.int().min(1) }) }) as never,
      reconcile: ({ attempt }) => {
        throw attempt === 1 ? retry('the server starts', { reason: 'Starting' }) : undefined;
      },
      finalize: () => {
        throw terminal('there are rows', { reason: 'NotEmpty' });
      },
    });
    await expect(operator.call('create', table)).rejects.toMatchObject({
      code: grpc.status.ABORTED,
      details: 'Starting: the server starts',
    });
    await expect(operator.call('create', { ...table, spec: { columns: 0 } })).rejects.toMatchObject({
      code: grpc.status.FAILED_PRECONDITION,
      details: expect.stringContaining('InvalidSpec: Table users is invalid: .spec.columns'),
    });
    await expect(operator.delete(table)).rejects.toMatchObject({ code: grpc.status.FAILED_PRECONDITION });
    const plugin = await operator.plugin();
    for (const yaml of ['- a list', '[', '']) {
      await expect(plugin.create({ base: { yaml } })).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
    }
  });

  it('runs as a process that is configured by variables, and stops on SIGTERM', async () => {
    const operator = await V0Operator.start();
    const child = fork(countingPlugin, {
      env: {
        ...process.env,
        KPLUG_PROTOCOL: 'kplug',
        KPLUG_CONTROLLER: operator.address,
        KPLUG_LOG_LEVEL: 'silent',
      },
      execArgv: [],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    expect((await operator.call('create', table)).base).toEqual({ process: child.pid });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('rejects an unknown protocol and names the valid ones', async () => {
    vi.stubEnv('KPLUG_PROTOCOL', 'kplug.v9');
    onTestFinished(() => void vi.unstubAllEnvs());
    const definition = { name: 'Today', version: '1.0.0', api: 'Table@1.0.0', reconcile: () => undefined };
    await expect(definePlugin(definition).serve()).rejects.toThrow(
      /KPLUG_PROTOCOL is "kplug.v9"; it must be kplug.v1 or kplug/,
    );
  });
});

it('the operator and the SDK work together with the protocol of the first Kplug', async () => {
  const operator = await TestOperator.start({}, { allowInsecurePlugins: true });
  operator.table('users');
  const causes: string[] = [];
  await operator.plugin({ name: 'Today', finalize: ({ cause }) => void causes.push(cause) }, { protocol: 'kplug' });
  await operator.expectReady('users', 'Today');
  expect(operator.get('users')?.status).toMatchObject({ by: 'Today' });
  const [instance] = operator.controller.registry.instances();
  expect(instance?.registration.protocol).toBe('kplug');
  operator.delete('users');
  await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
  expect(causes).toEqual(['deleted']);
});
