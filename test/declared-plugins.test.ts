import { rootCertificates } from 'node:tls';
import { machineAddress, PluginCluster, portOf, serveQuietly, waitOptions } from '@kplug/testing/cluster';
import { FaultProxy } from '@kplug/testing/control-plane';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const declaring = PluginCluster.use();

const group = 'operator.example.org';

describe('a Service with the label kplug.dev/plugin', () => {
  const labelled = {
    labels: { 'kplug.dev/plugin': 'true' },
    annotations: { 'kplug.dev/api': 'Table@^1.0.0', 'kplug.dev/insecure': 'true' },
  };

  it('is a plugin without a Plugin written by a user, while it has the label', async () => {
    const operator = await declaring.start();
    const running = await serveQuietly({ name: 'PostgreSQL' });
    const service = declaring.service('postgresql');
    await service.apply({ metadata: labelled });
    await service.endpoint(portOf(running));
    await declaring.cluster.apply(operator.object('Table', 'users'));
    await operator.expectReady('users', 'PostgreSQL');
    await declaring.expectPlugin('postgresql', { status: 'True', reason: 'Live' });
    expect(await declaring.cluster.get(declaring.plugin('postgresql'))).toMatchObject({
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'kplug' } },
      spec: { source: 'service', service: { name: 'postgresql' } },
    });
    await service.apply();
    await vi.waitFor(
      async () => expect(await declaring.cluster.get(declaring.plugin('postgresql'))).toBeUndefined(),
      waitOptions,
    );
    await vi.waitFor(() => expect(operator.controller.registry.size).toBe(0), waitOptions);
  });

  it('has a condition that explains an API other than the annotated one', async () => {
    const first = await declaring.start();
    const running = await serveQuietly({ name: 'PostgreSQL', api: 'View@1.0.0' });
    const service = declaring.service('postgresql');
    await service.apply({ metadata: labelled });
    await service.endpoint(portOf(running));
    await declaring.expectPlugin('postgresql', { status: 'False', reason: 'ApiMismatch' });
    await first.controller.stop();
    // The next operator deletes its Plugin, although no operator saw the deletion of the Service.
    await service.delete();
    await declaring.start();
    await vi.waitFor(
      async () => expect(await declaring.cluster.get(declaring.plugin('postgresql'))).toBeUndefined(),
      waitOptions,
    );
  });

  it('does not change the Plugin that a user wrote for it', async () => {
    await declaring.start();
    const { service } = await declaring.served('postgresql');
    await declaring.declare('mine', { service: { name: 'postgresql' } });
    await service.apply({ metadata: labelled });
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
    expect(await declaring.cluster.get(declaring.plugin('postgresql'))).toBeUndefined();
  });
});

describe('the verification of a declared plugin', () => {
  const caBundle = '-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----';
  const service = { name: 'postgresql' };

  it.each([
    ['a bundle that is not PEM', { service, tls: { caBundle: 'none' } }, 'caBundle must have PEM certificates'],
    ['plain text as well', { service, tls: { caBundle }, insecure: true }, "tls and insecure can't be combined"],
    ['no bundle', { service, tls: { serverName: 'a' } }, 'caBundle'],
    [
      'heartbeats',
      { plugin: 'A', version: '1.0.0', source: 'heartbeat', insecure: true },
      'tls and insecure are for a plugin with service or address',
    ],
  ])('is refused with %s', async (_, spec, message) => {
    await expect(declaring.declare('mine', spec)).rejects.toThrow(message);
  });

  it('is by TLS when it names a CA', async () => {
    await declaring.served('postgresql');
    await declaring.start();
    await declaring.declare('mine', { service, tls: { caBundle } });
    await declaring.expectPlugin('mine', {
      status: 'False',
      reason: 'TlsRequired',
      message: expect.stringContaining('tls.caBundle of its declaration has no certificates') as string,
    });
    await declaring.declare('mine', { service, tls: { caBundle: rootCertificates[0] } });
    await declaring.expectPlugin('mine', {
      status: 'False',
      reason: 'Unreachable',
      message: expect.stringContaining('it serves no TLS 1.3 at its address, but must by its declaration') as string,
    });
    await declaring.cluster.delete(declaring.plugin('mine'));
    await declaring.declare('mine', { service, insecure: true });
    await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
  });
});

it('a Plugin reports in its status the right that is missing to follow its Service', async () => {
  const user = `operator-${declaring.namespace}`;
  const read = ['list', 'watch', 'patch'];
  const rules = [
    { apiGroups: [group], resources: ['tables', 'tables/status'], verbs: read },
    { apiGroups: ['plugins.kplug.dev'], resources: ['plugins', 'plugins/status'], verbs: read },
    { apiGroups: [''], resources: ['pods'], verbs: read },
  ];
  await declaring.cluster.grant(user, declaring.namespace, rules);
  const proxy = await FaultProxy.open(declaring.cluster.kubeConfig);
  onTestFinished(() => proxy.close());
  await declaring.served('postgresql');
  await declaring.start({ kubeConfig: proxy.kubeConfig(user) });
  await declaring.declare('mine', { service: { name: 'postgresql' } });
  const rule = '{ apiGroups: [""], resources: ["services"], verbs: ["list", "watch"] }';
  await declaring.expectPlugin('mine', {
    status: 'False',
    reason: 'Forbidden',
    message: expect.stringContaining(rule) as string,
  });
  const endpoints = { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read };
  const services = { apiGroups: [''], resources: ['services'], verbs: read };
  await declaring.cluster.grant(user, declaring.namespace, [...rules, services, endpoints]);
  await declaring.expectPlugin('mine', { status: 'True', reason: 'Live' });
});

it('a Plugin is followed in the namespaces of plugins only', async () => {
  const elsewhere = await declaring.cluster.namespace();
  const address = `${machineAddress()}:${portOf(await serveQuietly({ name: 'PostgreSQL' }))}`;
  const written = declaring.plugin('mine', { address });
  const inNamespace = { ...written, metadata: { ...written.metadata, namespace: elsewhere } };
  await declaring.cluster.apply(inNamespace);
  const statusThere = async () => (await declaring.cluster.get(inNamespace))?.status;
  const unaware = await declaring.start();
  await unaware.controller.whenIdle();
  expect(unaware.controller.registry.size).toBe(0);
  expect(await statusThere()).toBeUndefined();
  await unaware.controller.stop();

  const operator = await declaring.start({ pluginNamespaces: [elsewhere] });
  await declaring.cluster.apply(operator.object('Table', 'users'));
  await operator.expectReady('users', 'PostgreSQL');
  await vi.waitFor(
    async () => expect(await statusThere()).toMatchObject({ ready: 'True', source: 'address' }),
    waitOptions,
  );
});

it.each([
  ['neither source', {}, /exactly one of service and address must be given/],
  ['both sources', { service: { name: 'a' }, address: 'a:1' }, /exactly one of service and address must be given/],
  ['a source of its own', { address: 'a:1', source: 'heartbeat' }, /source is set by the operator/],
  ['a bad port', { service: { name: 'a', port: 70_000 } }, /port must be a number from 1 to 65535/],
  ['a bad address', { address: 'a' }, /spec.address in body should match/],
])('a Plugin with %s is rejected', async (_, spec, message) => {
  await expect(declaring.cluster.apply(declaring.plugin('mine', spec))).rejects.toThrow(message);
});

it('a Plugin of a plugin that sends heartbeats cannot be converted to another one', async () => {
  const operator = await declaring.start();
  await operator.plugin({ name: 'PostgreSQL' });
  await declaring.expectPlugin('postgresql-1.0.0', { status: 'True' });
  const beating = declaring.plugin('postgresql-1.0.0');
  await expect(declaring.cluster.edit(beating, { spec: { plugin: 'MariaDB' } })).rejects.toThrow(
    /plugin that sends heartbeats can't be changed/,
  );
  const declared = { spec: { source: null, address: 'a:1' } };
  await expect(declaring.cluster.edit(beating, declared)).rejects.toThrow(/can't be converted into each other/);
});
