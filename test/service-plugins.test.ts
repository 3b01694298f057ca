import { machineAddress, PluginCluster, portOf, serveQuietly, waitOptions } from '@kplug/testing/cluster';
import { describe, expect, it, vi } from 'vitest';

const declaring = PluginCluster.use();
const host = machineAddress();

describe('a plugin behind a Service', () => {
  it('is probed, called, and removed with its Plugin', async () => {
    const operator = await declaring.start();
    const { port } = await declaring.served('postgresql');
    await declaring.cluster.apply(operator.object('Table', 'users'));
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    await declaring.declare('mine', { service: { name: 'postgresql', port: 7000 } });
    await operator.expectReady('users', 'PostgreSQL');
    const status = await declaring.expectPlugin('mine', { status: 'True', reason: 'Live', observedGeneration: 1 });
    expect(status).toMatchObject({
      source: 'service',
      plugin: 'PostgreSQL',
      version: '1.0.0',
      ready: 'True',
      apis: 'Table@1.0.0',
      instanceCount: '1/1',
      instances: [{ id: `${declaring.namespace}/mine@${host}:${port}`, address: `${host}:${port}`, state: 'live' }],
    });
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Implemented' }, 'Table');
    expect((await declaring.cluster.get(declaring.plugin('mine')))?.spec).toEqual({
      service: { name: 'postgresql', port: 7000 },
      insecure: true,
    });

    await declaring.cluster.delete(declaring.plugin('mine'));
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    expect([...operator.controller.registry.instances()]).toEqual([]);
  });

  it('loses an instance with its endpoint, drains it while terminating, and does not call it while not ready', async () => {
    const operator = await declaring.start();
    const first = await declaring.served('postgresql');
    const second = await serveQuietly({ name: 'PostgreSQL' });
    await first.service.endpoint(portOf(second), { ready: false });
    await declaring.declare('mine', { service: { name: 'postgresql' } });
    await vi.waitFor(async () => expect((await declaring.status('mine'))?.instanceCount).toBe('1/1'), waitOptions);
    const states = () =>
      [...operator.controller.registry.instances()].map(
        ({ registration, state }) => `${registration.address.split(':')[1]} ${state}`,
      );
    expect(states()).toEqual([`${first.port} live`]);

    await first.service.endpoint(portOf(second), { ready: true });
    await vi.waitFor(() => expect(states()).toEqual([`${first.port} live`, `${portOf(second)} live`]), waitOptions);
    await first.service.endpoint(first.port, { ready: false, terminating: true });
    await vi.waitFor(() => expect(states()).toEqual([`${first.port} draining`, `${portOf(second)} live`]), waitOptions);
    await first.service.endpoint(first.port, { ready: true });
    await vi.waitFor(() => expect(states()).toEqual([`${first.port} live`, `${portOf(second)} live`]), waitOptions);
    await first.service.withdraw(first.port);
    await vi.waitFor(() => expect(states()).toEqual([`${portOf(second)} live`]), waitOptions);
    await first.service.endpoint(portOf(second), { ready: false });
    await declaring.expectPlugin('mine', { status: 'False', reason: 'NoReadyEndpoint' });
    expect(states()).toEqual([`${portOf(second)} draining`]);
  });

  it('finishes in-flight calls when its endpoint is removed', async () => {
    const operator = await declaring.start();
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    let aborted = false;
    const running = await serveQuietly({
      name: 'PostgreSQL',
      reconcile: async ({ signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        begun.resolve();
        await end.promise;
        return { status: { done: true } };
      },
    });
    const service = declaring.service('postgresql');
    await service.apply();
    await service.endpoint(portOf(running));
    await declaring.declare('mine', { service: { name: 'postgresql' } });
    await declaring.cluster.apply(operator.object('Table', 'users'));
    await begun.promise;
    await service.withdraw(portOf(running));
    const { registry } = operator.controller;
    await vi.waitFor(
      () => expect([...registry.instances()].map(({ state }) => state)).toEqual(['draining']),
      waitOptions,
    );
    end.resolve();
    await vi.waitFor(() => expect([...registry.instances()]).toEqual([]), waitOptions);
    expect(aborted).toBe(false);
  });

  it('has a condition that explains a missing Service, a missing port, and a Service without endpoints', async () => {
    await declaring.start();
    await declaring.declare('mine', { service: { name: 'postgresql', port: 7001 } });
    await declaring.expectPlugin('mine', {
      status: 'False',
      reason: 'ServiceNotFound',
      message: 'there is no Service postgresql in this namespace; create it or correct the name',
    });
    const service = declaring.service('postgresql');
    await service.apply();
    await declaring.expectPlugin('mine', {
      reason: 'PortNotFound',
      message: 'the Service postgresql has no port 7001; use a port of the Service, not of its pods: 7000',
    });
    await declaring.declare('mine', { service: { name: 'postgresql', port: 7000 } });
    await declaring.expectPlugin('mine', {
      reason: 'ServiceSelectsNothing',
      message: 'the Service postgresql has no endpoints: its selector app=postgresql matches no pod with an address',
      observedGeneration: 2,
    });
    const running = await serveQuietly({ name: 'PostgreSQL' });
    await service.endpoint(portOf(running));
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
    await service.delete();
    expect((await declaring.expectPlugin('mine', { reason: 'ServiceNotFound' })).ready).toBe('False');
    await declaring.expectPlugin('mine', { status: 'False', reason: 'NoInstance' }, 'Table');
  });

  it('is known to an operator that takes over before its first pass', async () => {
    const first = await declaring.start();
    await declaring.served('postgresql');
    await declaring.declare('mine', { service: { name: 'postgresql' } });
    await declaring.cluster.apply(first.object('Table', 'users'));
    await first.expectReady('users', 'PostgreSQL');
    await first.controller.stop();
    const second = await declaring.start();
    await second.controller.whenIdle();
    expect(await second.takeRequests()).toEqual([]);
    await second.expectReady('users', 'PostgreSQL');
  });

  it('is replaced when its Plugin names another Service or an address', async () => {
    const operator = await declaring.start();
    const first = await declaring.served('postgresql');
    const other = await serveQuietly({ name: 'MariaDB' });
    const service = declaring.service('mariadb');
    await service.apply();
    await service.endpoint(portOf(other));
    await declaring.cluster.apply(operator.object('Table', 'users'));
    await declaring.declare('mine', { service: { name: 'postgresql' } });
    await operator.expectReady('users', 'PostgreSQL');
    await declaring.declare('mine', { service: { name: 'mariadb' } });
    await operator.expectReady('users', 'MariaDB');
    await declaring.declare('mine', { address: `${host}:${first.port}` });
    await operator.expectReady('users', 'PostgreSQL');
    await vi.waitFor(
      async () => expect(await declaring.status('mine'))?.toMatchObject({ source: 'address' }),
      waitOptions,
    );
    expect([...operator.controller.registry.instances()]).toHaveLength(1);
  });
});
