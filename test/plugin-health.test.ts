import { definePlugin, implementApi } from '@kplug/sdk';
import { freePort, PlainPlugin } from '@kplug/testing';
import {
  machineAddress,
  PluginCluster,
  portOf,
  serveAny,
  serveQuietly,
  spawnQuietly,
  waitOptions,
} from '@kplug/testing/cluster';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const declaring = PluginCluster.use();
const host = machineAddress();

describe('a plugin that sends no heartbeats', () => {
  it('gets no calls while it is not serving', async () => {
    const operator = await declaring.start();
    const plain = await PlainPlugin.serve();
    const service = declaring.service('postgresql');
    await service.apply();
    await service.endpoint(plain.port);
    await declaring.declare('mine', { service: { name: 'postgresql' } });
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
    plain.setHealth('NOT_SERVING');
    await declaring.expectPlugin('mine', {
      status: 'False',
      reason: 'NoLiveInstance',
      message: 'it reports that it is not serving',
    });
    plain.setHealth('SERVING');
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
    expect(operator.controller.registry.size).toBe(1);
  });

  it('is polled for its health if it serves no Watch', async () => {
    await declaring.start({ controller: { connections: { healthInterval: 50 } } });
    const plain = await PlainPlugin.serve({ watch: false });
    await declaring.declare('mine', { address: `${host}:${plain.port}` });
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
    plain.setHealth('NOT_SERVING');
    await declaring.expectPlugin('mine', { status: 'False', message: 'it reports that it is not serving' });
    plain.setHealth('SERVING');
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
  });

  it('is unreachable as soon as its process is killed, and live with the next process', async () => {
    const operator = await declaring.start();
    const port = await freePort('0.0.0.0');
    await declaring.declare('mine', { address: `${host}:${port}` });
    await declaring.expectPlugin('mine', { status: 'False', reason: 'Unreachable' });
    const first = spawnQuietly('Counting', port);
    await declaring.cluster.apply(operator.object('Table', 'users'));
    await operator.expectReady('users', 'Counting');
    first.kill('SIGKILL');
    await declaring.expectPlugin('mine', { status: 'False', reason: 'Unreachable' });
    await operator.expectCondition('users', 'PluginSelected', { status: 'False', reason: 'NoPlugin' });
    spawnQuietly('Counting', port);
    await operator.expectReady('users', 'Counting');
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
  });

  it('is identified again when another process replaces it', async () => {
    const operator = await declaring.start();
    const first = await serveQuietly({ name: 'PostgreSQL' });
    const port = portOf(first);
    await declaring.declare('mine', { address: `${host}:${port}` });
    await declaring.cluster.apply(operator.object('Table', 'users'));
    await operator.expectReady('users', 'PostgreSQL');
    await first.stop();
    await declaring.expectPlugin('mine', { status: 'False', reason: 'Unreachable' });
    await serveQuietly({ name: 'PostgreSQL', version: '2.0.0', reconcile: () => ({ status: { by: 'two' } }) }, port);
    await vi.waitFor(
      async () => expect(await declaring.status('mine'))?.toMatchObject({ version: '2.0.0', ready: 'True' }),
      waitOptions,
    );
    await vi.waitFor(
      async () => expect((await operator.stored('Table', 'users'))?.status).toMatchObject({ by: 'two' }),
      waitOptions,
    );
  });
});

it('an API that is not served gets no calls, unlike the other APIs of the process', async () => {
  const operator = await declaring.start();
  const calls: string[] = [];
  const running = await serveAny(
    definePlugin({
      name: 'Foobar',
      version: '1.0.0',
      apis: [
        implementApi({ api: 'Table@1.0.0', reconcile: () => void calls.push('Table') }),
        implementApi({ api: 'View@1.0.0', reconcile: () => void calls.push('View') }),
      ],
    }),
  );
  running.setServing('Table', false);
  await declaring.declare('mine', { address: `${host}:${portOf(running)}` });
  await declaring.expectPlugin('mine', { status: 'True', reason: 'Implemented' }, 'View');
  await declaring.expectPlugin('mine', { status: 'False', reason: 'NotServing' }, 'Table');
  await declaring.cluster.apply(operator.object('Table', 'users'));
  await operator.expectCondition('users', 'Ready', {
    status: 'False',
    reason: 'NoPlugin',
    message: expect.stringMatching(/Foobar 1.0.0: it reports that it is not serving this API now/) as string,
  });
  expect(calls).toEqual([]);
  running.setServing('Table', true);
  await operator.expectReady('users', 'Foobar');
  await declaring.expectPlugin('mine', { status: 'True', reason: 'Implemented' }, 'Table');
  expect(calls).toEqual(['Table']);
});

it('a plugin of several APIs that sends heartbeats has a condition for each API, with or without calls', async () => {
  const operator = await declaring.start();
  const plugin = definePlugin({
    name: 'Foobar',
    version: '1.0.0',
    apis: ['Foo@1.0.0', 'Bar@1.0.0'].map((api) => implementApi({ api, reconcile: () => undefined })),
  });
  const controller = operator.controller.heartbeatAddress;
  const running = await plugin.serve({ controller, logLevel: 'silent', handleSignals: false });
  onTestFinished(() => running.stop());
  for (const api of ['Foo', 'Bar']) {
    await declaring.expectPlugin('foobar-1.0.0', { status: 'True', reason: 'Implemented' }, api);
  }
  running.setServing('Foo', false);
  await declaring.expectPlugin('foobar-1.0.0', { status: 'False', reason: 'NotServing' }, 'Foo');
  const status = await declaring.expectPlugin('foobar-1.0.0', { status: 'True', reason: 'Implemented' }, 'Bar');
  expect(status).toMatchObject({
    source: 'heartbeat',
    ready: 'True',
    instances: [{ state: 'live', unserved: ['Foo'] }],
  });
  running.setServing('Foo', true);
  await declaring.expectPlugin('foobar-1.0.0', { status: 'True', reason: 'Implemented' }, 'Foo');
});
