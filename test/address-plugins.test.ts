import { PlainPlugin } from '@kplug/testing';
import { machineAddress, PluginCluster, portOf, serveQuietly } from '@kplug/testing/cluster';
import { describe, expect, it } from 'vitest';

const declaring = PluginCluster.use();
const host = machineAddress();

describe('what is at an address', () => {
  it.each([
    ['127.0.0.1:7000', 'AddressNotAllowed', /is not allowed: it is the controller's own machine/],
    ['localhost:7000', 'AddressNotAllowed', /is not allowed: it is the controller's own machine/],
    ['169.254.169.254:80', 'AddressNotAllowed', /is not allowed: it is of the local link/],
    ['nowhere.invalid:7000', 'AddressNotResolved', /the host nowhere.invalid can't be found/],
    [`${host}:1`, 'Unreachable', /no plugin answers at .*ECONNREFUSED/],
  ])('%s is not taken for a plugin: %s', async (address, reason, message) => {
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

  it('is never the API server', async () => {
    await declaring.start({ controller: { addresses: { allowLoopback: true } } });
    const { host: address } = new URL(declaring.cluster.kubeConfig.getCurrentCluster()?.server ?? '');
    await declaring.declare('mine', { address });
    await declaring.expectPlugin('mine', {
      reason: 'AddressNotAllowed',
      message: expect.stringMatching(/API server/) as string,
    });
  });

  it('is not taken when it answers to nothing that a plugin serves', async () => {
    await declaring.start();
    const { port } = await PlainPlugin.serve({ info: 'none' });
    await declaring.declare('mine', { address: `${host}:${port}` });
    await declaring.expectPlugin('mine', {
      status: 'False',
      reason: 'GetInfoUnimplemented',
      message: expect.stringMatching(/doesn't serve kplug.v1.PluginService\/GetInfo/) as string,
    });
  });

  it('is not taken when what it says of itself is malformed, or another plugin than is declared', async () => {
    await declaring.start();
    const { port } = await PlainPlugin.serve({ info: 'malformed' });
    await declaring.declare('malformed', { address: `${host}:${port}` });
    await declaring.expectPlugin('malformed', {
      status: 'False',
      reason: 'GetInfoMalformed',
      message: expect.stringMatching(/can't be used: version "one" is malformed/) as string,
    });
    const address = `${host}:${portOf(await serveQuietly({ name: 'MariaDB' }))}`;
    const declared = { address, plugin: 'PostgreSQL' };
    await declaring.declare('mine', declared);
    await declaring.expectPlugin('mine', {
      status: 'False',
      reason: 'PluginMismatch',
      message: expect.stringMatching(/says that it is MariaDB 1.0.0, and not PostgreSQL as is declared/) as string,
    });
    await declaring.declare('mine', { address, version: '^2.0.0' });
    await declaring.expectPlugin('mine', { reason: 'VersionMismatch' });
    await declaring.declare('mine', { address, apis: [{ name: 'View' }] });
    await declaring.expectPlugin('mine', {
      reason: 'ApiMismatch',
      message: expect.stringMatching(/implements Table@1.0.0, but not View/) as string,
    });
    await declaring.declare('mine', { address, plugin: 'mariadb', version: '^1.0.0', apis: [{ name: 'Table' }] });
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
  });
});

it('a name is looked up, and a process that it leads to twice is one instance', async () => {
  const operator = await declaring.start({ controller: { addresses: { allowLoopback: true } } });
  const port = portOf(await serveQuietly({ name: 'PostgreSQL' }));
  await declaring.declare('mine', { address: `localhost:${port}` });
  const message = '1 of 1 instances get calls';
  await declaring.expectPlugin('mine', { status: 'True', reason: 'Live', message });
  const [instance] = operator.controller.registry.instances();
  expect(instance?.registration.address).toMatch(/^(127\.0\.0\.1|\[::1\]):\d+$/);
});

it('a plugin that beats as well is left to its heartbeats', async () => {
  const operator = await declaring.start({ controller: { addresses: { allowLoopback: true } } });
  const running = await operator.plugin({ name: 'PostgreSQL' });
  await declaring.declare('mine', { address: `127.0.0.1:${portOf(running)}` });
  await declaring.expectPlugin('mine', { status: 'False', reason: 'BeatsByItself' });
  expect([...operator.controller.registry.instances()].map(({ registration }) => registration.instanceId)).toEqual([
    running.instanceId,
  ]);
});

it('a process that is found at two addresses is one instance', async () => {
  const operator = await declaring.start();
  const { port } = await declaring.served('postgresql');
  await declaring.declare('first', { service: { name: 'postgresql' } });
  await declaring.expectPlugin('first', { status: 'True' });
  await declaring.declare('second', { address: `${host}:${port}` });
  await declaring.expectPlugin('second', { status: 'False', reason: 'InstanceKnown' });
  expect(operator.controller.registry.size).toBe(1);
});
