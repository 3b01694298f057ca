import { PlainPlugin } from '@kplug/testing';
import { machineAddress, PluginCluster, portOf, serveQuietly } from '@kplug/testing/cluster';
import { describe, expect, it } from 'vitest';

const declaring = PluginCluster.use();
const host = machineAddress();

describe('an address', () => {
  it.each([
    ['127.0.0.1:7000', 'AddressNotAllowed', /is not allowed: it is the controller's own machine/],
    ['localhost:7000', 'AddressNotAllowed', /is not allowed: it is the controller's own machine/],
    ['169.254.169.254:80', 'AddressNotAllowed', /is not allowed: it is link-local/],
    ['nowhere.invalid:7000', 'AddressNotResolved', /the host nowhere.invalid can't be resolved/],
    [`${host}:1`, 'Unreachable', /no plugin answers at .*ECONNREFUSED/],
  ])('%s has no plugin: %s', async (address, reason, message) => {
    const operator = await declaring.start();
    await declaring.declare('mine', { address });
    const status = await declaring.expectPlugin('mine', {
      status: 'False',
      reason,
      message: expect.stringMatching(message) as string,
    });
    expect(status).toMatchObject({ ready: 'False', instanceCount: '0/0', source: 'address' });
    expect(operator.controller.registry.size).toBe(0);
  });

  it('cannot be that of the API server', async () => {
    await declaring.start({ controller: { addresses: { allowLoopback: true } } });
    const { host: address } = new URL(declaring.cluster.kubeConfig.getCurrentCluster()?.server ?? '');
    await declaring.declare('mine', { address });
    await declaring.expectPlugin('mine', {
      reason: 'AddressNotAllowed',
      message: expect.stringMatching(/API server/) as string,
    });
  });

  it('has no plugin if its server does not implement GetInfo', async () => {
    await declaring.start();
    const { port } = await PlainPlugin.serve({ info: 'none' });
    await declaring.declare('mine', { address: `${host}:${port}` });
    await declaring.expectPlugin('mine', {
      status: 'False',
      reason: 'GetInfoUnimplemented',
      message: expect.stringMatching(/doesn't serve kplug.v1.PluginService\/GetInfo/) as string,
    });
  });

  it('has no plugin if the response is malformed or the plugin is not the declared one', async () => {
    await declaring.start();
    const { port } = await PlainPlugin.serve({ info: 'malformed' });
    await declaring.declare('malformed', { address: `${host}:${port}` });
    await declaring.expectPlugin('malformed', {
      status: 'False',
      reason: 'GetInfoMalformed',
      message: expect.stringMatching(/invalid response: version "one" is malformed/) as string,
    });
    const address = `${host}:${portOf(await serveQuietly({ name: 'MariaDB' }))}`;
    const declared = { address, plugin: 'PostgreSQL' };
    await declaring.declare('mine', declared);
    await declaring.expectPlugin('mine', {
      status: 'False',
      reason: 'PluginMismatch',
      message: expect.stringMatching(/is MariaDB 1.0.0, but PostgreSQL is declared/) as string,
    });
    await declaring.declare('mine', { address, version: '^2.0.0' });
    await declaring.expectPlugin('mine', { reason: 'VersionMismatch' });
    await declaring.declare('mine', { address, apis: [{ name: 'View' }] });
    await declaring.expectPlugin('mine', {
      reason: 'ApiMismatch',
      message: expect.stringMatching(/implements Table@1.0.0, but View is declared/) as string,
    });
    await declaring.declare('mine', { address, plugin: 'mariadb', version: '^1.0.0', apis: [{ name: 'Table' }] });
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
  });
});

it('a name is resolved, and one process at two of its addresses is one instance', async () => {
  const operator = await declaring.start({ controller: { addresses: { allowLoopback: true } } });
  const port = portOf(await serveQuietly({ name: 'PostgreSQL' }));
  await declaring.declare('mine', { address: `localhost:${port}` });
  const message = '1 of 1 instances get calls';
  await declaring.expectPlugin('mine', { status: 'True', reason: 'Live', message });
  const [instance] = operator.controller.registry.instances();
  expect(instance?.registration.address).toMatch(/^(127\.0\.0\.1|\[::1\]):\d+$/);
});

it('a declared plugin that sends heartbeats is known by its heartbeats only', async () => {
  const operator = await declaring.start({ controller: { addresses: { allowLoopback: true } } });
  const running = await operator.plugin({ name: 'PostgreSQL' });
  await declaring.declare('mine', { address: `127.0.0.1:${portOf(running)}` });
  await declaring.expectPlugin('mine', { status: 'False', reason: 'BeatsByItself' });
  expect([...operator.controller.registry.instances()].map(({ registration }) => registration.instanceId)).toEqual([
    running.instanceId,
  ]);
});

it('one process at two declared addresses is one instance', async () => {
  const operator = await declaring.start();
  const { port } = await declaring.served('postgresql');
  await declaring.declare('first', { service: { name: 'postgresql' } });
  await declaring.expectPlugin('first', { status: 'True' });
  await declaring.declare('second', { address: `${host}:${port}` });
  await declaring.expectPlugin('second', { status: 'False', reason: 'InstanceKnown' });
  expect(operator.controller.registry.size).toBe(1);
});
