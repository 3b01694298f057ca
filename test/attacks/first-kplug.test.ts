// Plugins of the first Kplug, which prove nothing, from sources that the operator does not accept.
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Controller, type ControllerOptions, type Resources } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { v0 } from '@kplug/protocol';
import { FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { grpcMessage } from '../../bench/http2-load/frames.ts';
import { openKubernetes } from '../../packages/controller/src/kubernetes.ts';

const soon = { timeout: 40_000, interval: 20 };
const logger = pino({ level: 'silent' });
const information = { address: '127.0.0.2:7000', name: 'Old', version: '1.0.0', api: 'Table', apiVersion: '1.0.0' };

async function start(resources: Resources, options: Partial<ControllerOptions>): Promise<Controller> {
  const controller = new Controller({
    resources,
    delegations: [{ name: 'tables', base: { apiVersion: 'myorg.org/v1', kind: 'Table' }, api: 'Table' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: false,
    allowInsecurePlugins: true,
    addresses: { allowLoopback: true },
    logger,
    ...options,
  });
  await controller.start();
  onTestFinished(() => controller.stop());
  return controller;
}

/** Sends a heartbeat of the first Kplug from an address of this machine. */
async function beatFrom(
  localAddress: string,
  { heartbeatAddress }: Controller,
  given: MessageInitShape<typeof v0.PluginInformationSchema> = {},
): Promise<v0.PluginHeartbeatResponse> {
  const port = Number(heartbeatAddress.split(':').at(-1));
  const createConnection = () => net.connect({ port, host: '127.0.0.1', localAddress });
  const session = http2.connect(`http://${heartbeatAddress}`, { createConnection });
  onTestFinished(() => session.destroy());
  const { typeName, method } = v0.Controller;
  const path = `/${typeName}/${method.pluginHeartbeat.name}`;
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const message = create(v0.PluginInformationSchema, { ...information, ...given });
  stream.end(grpcMessage(toBinary(v0.PluginInformationSchema, message)));
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  session.close();
  return fromBinary(v0.PluginHeartbeatResponseSchema, Buffer.concat(chunks).subarray(5));
}

describe('restricted by CIDR', () => {
  // Without the restriction, whoever reaches the heartbeat port can be a plugin, and have resources sent to any address.
  it('a plugin at another address is refused, with the reason, and one within it is accepted', async () => {
    const controller = await start(new MemoryResources(), { insecurePluginsFrom: ['127.0.0.2/31', '2001:db8::/32'] });
    expect(await beatFrom('127.0.0.2', controller)).toMatchObject({ accepted: true });
    const refused = await beatFrom('127.0.0.4', controller, { name: 'Stranger' });
    expect(refused).toMatchObject({
      accepted: false,
      notAcceptedReason: expect.stringMatching(
        /accepted from 127\.0\.0\.2\/31, 2001:db8::\/32 only, .*came from 127\.0\.0\.4; .*--insecure-plugins-from/,
      ),
    });
    // A known plugin, too: otherwise a stranger renews the lease of one that is gone, or moves its name.
    expect(await beatFrom('127.0.0.4', controller)).toMatchObject({ accepted: false });
    expect([...controller.registry.instances()].map(({ registration }) => registration.plugin)).toEqual(['Old']);
    expect(await beatFrom('127.0.0.2', controller)).toMatchObject({ accepted: true });
  });

  it('single addresses are accepted, and no others', async () => {
    const controller = await start(new MemoryResources(), { insecurePluginsFrom: ['127.0.0.2'] });
    expect(await beatFrom('127.0.0.2', controller)).toMatchObject({ accepted: true });
    expect(await beatFrom('127.0.0.3', controller)).toMatchObject({ accepted: false });
  });

  it.each([
    [{ insecurePluginsFrom: [] }, /insecurePluginsFrom is empty/],
    [
      { insecurePluginsFrom: ['10.0.0.0/33'] },
      /"10\.0\.0\.0\/33" is malformed; use the name of a namespace, or a CIDR/,
    ],
    [{ insecurePluginsFrom: ['10.1'] }, /"10\.1" is malformed/],
    [{ insecurePluginsFrom: ['Legacy'] }, /"Legacy" is malformed/],
    [{ insecurePluginsFrom: ['legacy'] }, /the namespace legacy, and this operator runs on no cluster/],
    [{ insecurePluginsFrom: ['10.0.0.0/8'], allowInsecurePlugins: false }, /which is not set; set both, or remove it/],
  ])('%j is a mistake that stops the operator', async (options, message) => {
    await expect(start(new MemoryResources(), options)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(message),
    });
  });
});

describe('restricted by namespace', () => {
  let cluster: TestCluster;
  let legacy: string;
  let other: string;

  beforeAll(async () => {
    cluster = await TestCluster.connect();
    [legacy, other] = [await cluster.namespace(), await cluster.namespace()];
  }, startTimeout);

  afterAll(() => cluster?.close());

  /** Creates a pod that runs at an address, as the kubelet would report it. */
  async function run(namespace: string, name: string, ip: string, spec: object = {}) {
    const pod = {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels: { app: name } } },
      spec: { containers: [{ name: 'plugin', image: 'plugin:1' }], ...spec },
    };
    await cluster.apply(pod);
    const status = {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      hostIP: '192.0.2.1',
      hostIPs: [{ ip: '192.0.2.1' }],
    };
    await cluster.edit(pod, { status }, 'status');
    onTestFinished(() => cluster.delete(pod));
    return pod;
  }

  async function startOnCluster(kubeConfig = cluster.kubeConfig): Promise<Controller> {
    const resources = await openKubernetes({ kubeConfig, namespace: other, logger });
    return start(resources, { insecurePluginsFrom: [legacy, '127.0.0.8'], followDelegations: false });
  }

  // Without the restriction, a pod of any namespace can be a plugin.
  it('a pod of another namespace is refused, and one of that namespace is accepted, as long as it runs', async () => {
    const pod = await run(legacy, 'old', '127.0.0.2');
    await run(other, 'stranger', '127.0.0.3');
    // A process on the network of its node has the address of all of them.
    await run(legacy, 'on-node', '127.0.0.4', { hostNetwork: true });
    const controller = await startOnCluster();
    expect(await beatFrom('127.0.0.2', controller)).toMatchObject({ accepted: true });
    for (const stranger of ['127.0.0.3', '127.0.0.4', '127.0.0.5']) {
      expect(await beatFrom(stranger, controller, { address: `${stranger}:7000` })).toMatchObject({
        accepted: false,
        notAcceptedReason: expect.stringContaining(`accepted from the namespace ${legacy}, 127.0.0.8 only`),
      });
    }
    expect(await beatFrom('127.0.0.8', controller, { address: '127.0.0.8:7000' })).toMatchObject({ accepted: true });
    await cluster.edit(pod, { status: { phase: 'Failed' } }, 'status');
    await vi.waitFor(
      async () => expect(await beatFrom('127.0.0.2', controller)).toMatchObject({ accepted: false }),
      soon,
    );
    const next = await run(legacy, 'next', '127.0.0.2');
    await vi.waitFor(
      async () => expect(await beatFrom('127.0.0.2', controller)).toMatchObject({ accepted: true }),
      soon,
    );
    await cluster.delete(next);
  });

  // Without the check, a plugin of the namespace has resources sent to any other pod.
  it('a plugin of the namespace may register its own pod and its Services only', async () => {
    await run(legacy, 'old', '127.0.0.2');
    const controller = await startOnCluster();
    expect(await beatFrom('127.0.0.2', controller, { address: '127.0.0.9:7000' })).toMatchObject({
      accepted: false,
      notAcceptedReason: expect.stringContaining(`neither that of the pod ${legacy}/old nor that of a Service`),
    });
    const addresses = [...controller.registry.instances()].map(({ registration }) => registration.address);
    expect(addresses).not.toContain('127.0.0.9:7000');
    const service = {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'old', namespace: legacy } },
      spec: { selector: { app: 'old' }, ports: [{ port: 7000 }] },
    };
    const { spec } = await cluster.apply(service);
    const { clusterIP } = spec as { clusterIP: string };
    expect(await beatFrom('127.0.0.2', controller, { address: `${clusterIP}:7000` })).toMatchObject({ accepted: true });
    expect(await beatFrom('127.0.0.2', controller)).toMatchObject({ accepted: true });
  });

  it('a refusal says that the operator may not list pods', async () => {
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    const controller = await startOnCluster(proxy.kubeConfig('nobody'));
    expect(await beatFrom('127.0.0.2', controller)).toMatchObject({
      accepted: false,
      notAcceptedReason: expect.stringMatching(
        /; pods can't be read: .*may not list and watch pods in the namespace kplug-.*add to a Role/,
      ),
    });
  });
});
