import { once } from 'node:events';
import http2 from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import {
  createGrpcClient,
  InstanceState,
  PluginService,
  RefusalReason,
  RegistryService,
  type SessionResponse,
  serviceError,
} from '@kplug/protocol';
import { definePlugin } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { FakeRegistry } from '@kplug/testing/fake-registry';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const registration = {
  plugin: 'Remote',
  version: '1.0.0',
  apis: [{ name: 'Table', version: '1.0.0' }],
  address: '127.0.0.1:9',
  instanceId: 'remote-1',
};

function clientOf(operator: TestOperator) {
  const client = createGrpcClient(
    RegistryService,
    operator.controller.heartbeatAddress,
    grpc.credentials.createInsecure(),
  );
  onTestFinished(() => client.$client.close());
  return client;
}

describe('a unary heartbeat', () => {
  it('registers an instance and returns its lease', async () => {
    const operator = await TestOperator.start();
    const { answer } = await clientOf(operator).heartbeat({ registration });
    expect(answer).toMatchObject({
      case: 'lease',
      value: { interval: durationFromMs(200), ttl: durationFromMs(1_000), drain: false },
    });
    expect(operator.controller.registry.get('remote-1')?.state).toBe('live');
  });

  it('is refused with a reason instead of an error', async () => {
    const operator = await TestOperator.start();
    const { answer } = await clientOf(operator).heartbeat({ registration: { ...registration, plugin: '' } });
    expect(answer).toMatchObject({
      case: 'refusal',
      value: { reason: RefusalReason.INVALID, message: 'plugin is missing; it must be a name such as PostgreSQL' },
    });
  });

  it('that is refused is logged once per plugin and reason, and counted by the name of the reason', async () => {
    const lines: { level: number; msg: string; reason?: string }[] = [];
    const logger = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
    const operator = await TestOperator.start({}, { logger, adminAddress: '127.0.0.1:0' });
    const client = clientOf(operator);
    const refused = [
      { ...registration, plugin: 'no name' },
      { ...registration, apis: [{ name: 'a/b', version: '1.0.0' }] },
      { ...registration, plugin: 'Far', address: '169.254.169.254:80' },
    ];
    for (const one of [...refused, ...refused]) await client.heartbeat({ registration: one });
    const session = client.session();
    session.on('error', () => undefined);
    session.write({ message: { case: 'registration', value: { ...registration, plugin: 'no name' } } });
    await new Promise((resolve) => session.on('data', resolve));
    session.cancel();
    const logged = lines.filter(({ msg }) => msg.startsWith('refused the registration'));
    expect(logged.map(({ msg, reason, level }) => [level, reason, msg.split('; ')[0]])).toEqual([
      [40, 'INVALID', 'refused the registration of no name: plugin "no name" is malformed'],
      [40, 'INVALID', 'refused the registration of Remote: apis.name "a/b" is malformed'],
      [40, 'ADDRESS_NOT_ALLOWED', expect.stringContaining('registration of Far: address "169.254.169.254:80"')],
    ]);
    const metrics = await (await fetch(`http://${operator.controller.adminAddress}/metrics`)).text();
    expect(metrics).toContain('kplug_registrations_refused_total{reason="INVALID"} 5');
    expect(metrics).toContain('kplug_registrations_refused_total{reason="ADDRESS_NOT_ALLOWED"} 2');
  });

  it('logs a bounded number of refusals', { timeout: 30_000 }, async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
    const operator = await TestOperator.start({}, { logger });
    const client = clientOf(operator);
    const plugin = `no name ${'x'.repeat(10_000)}`;
    for (let index = 0; index < 1_100; index++)
      await client.heartbeat({ registration: { ...registration, plugin: `no ${index} ${index ? '' : plugin}` } });
    // All of them come from one host.
    expect(lines).toHaveLength(51);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(3_000);
  });

  it('without a registration fails', async () => {
    const operator = await TestOperator.start();
    await expect(clientOf(operator).heartbeat({})).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
  });

  it('renews a lease, which expires without further ones', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 100, ttl: 300 } });
    const client = clientOf(operator);
    const gone = new Promise<number>((resolve) => {
      operator.controller.registry.subscribe(({ instance }) => {
        if (instance.state === 'gone') resolve(Date.now());
      });
    });
    await client.heartbeat({ registration });
    const lastHeardAt = operator.controller.registry.get('remote-1')?.lastHeardAt ?? 0;
    expect((await gone) - lastHeardAt).toBeGreaterThanOrEqual(300);
  });
});

describe('a session', () => {
  it('is refused with a reason, and ends', async () => {
    const operator = await TestOperator.start();
    const stream = clientOf(operator).session();
    const answers: SessionResponse[] = [];
    stream.on('data', (answer) => answers.push(answer));
    const ended = new Promise((resolve) => stream.on('end', resolve));
    stream.write({ message: { case: 'registration', value: { ...registration, version: 'latest' } } });
    await ended;
    expect(answers).toMatchObject([{ answer: { case: 'refusal', value: { reason: RefusalReason.INVALID } } }]);
  });

  it('must start with a registration', async () => {
    const operator = await TestOperator.start();
    const stream = clientOf(operator).session();
    const failed = new Promise<grpc.ServiceError>((resolve) => stream.on('error', resolve));
    stream.write({ message: { case: 'beat', value: {} } });
    expect(await failed).toMatchObject({ code: grpc.status.FAILED_PRECONDITION });
  });

  it('with the instance id of another live instance is refused', async () => {
    const operator = await TestOperator.start();
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    const { answer } = await clientOf(operator).heartbeat({
      registration: { ...registration, instanceId: plugin.instanceId },
    });
    expect(answer).toMatchObject({ case: 'refusal', value: { reason: RefusalReason.UNAUTHENTICATED } });
  });

  it('carries the request to drain, and the plugin stops', async () => {
    const operator = await TestOperator.start();
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    operator.drain(plugin.instanceId);
    await vi.waitFor(() => expect(operator.controller.registry.size).toBe(0));
  });
});

describe('a plugin', () => {
  it('registers again with a restarted controller', async () => {
    const first = await TestOperator.start();
    const address = first.controller.heartbeatAddress;
    const plugin = await first.plugin({ name: 'PostgreSQL' });
    await first.controller.stop();
    await vi.waitFor(() => expect(plugin.registered).toBe(false));
    const second = await TestOperator.start({}, { heartbeatAddress: address });
    await vi.waitFor(() => expect(second.controller.registry.get(plugin.instanceId)?.state).toBe('live'), {
      timeout: 15_000,
    });
  });

  // As when the first packet was lost for good, because the Service had no endpoints yet.
  it('opens a new connection when its registration is not answered', { timeout: 60_000 }, async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const controller = `127.0.0.1:${port}`;
    const plugin = await definePlugin({
      name: 'Remote',
      version: '1.0.0',
      api: 'Table@1.0.0',
      reconcile: () => ({}),
    }).serve({ controller, logLevel: 'silent', handleSignals: false });
    onTestFinished(() => plugin.stop());
    await vi.waitFor(() => expect(sockets.length).toBeGreaterThan(1), { timeout: 30_000 });
    silent.close();
    for (const socket of sockets) socket.destroy();
    const registry = await FakeRegistry.start({ bindAddress: controller });
    await vi.waitFor(() => expect(plugin.registered).toBe(true), { timeout: 30_000 });
    expect(registry.registrations).toHaveLength(1);
  });

  it('sends unary heartbeats to a controller without sessions', async () => {
    const onHeartbeat = vi.fn();
    const { addService } = await import('@kplug/protocol');
    const server = new grpc.Server();
    const unimplemented = () => {
      throw serviceError(grpc.status.UNIMPLEMENTED, 'not served');
    };
    addService(server, RegistryService, {
      session: (stream) => stream.emit('error', serviceError(grpc.status.UNIMPLEMENTED, 'sessions are not served')),
      heartbeat: ({ registration: received }) => {
        onHeartbeat(received?.plugin);
        return { answer: { case: 'lease', value: { interval: durationFromMs(20), ttl: durationFromMs(60) } } };
      },
      deregister: () => ({}),
      listPlugins: unimplemented,
      watchPlugins: unimplemented,
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    onTestFinished(() => server.forceShutdown());
    const { definePlugin } = await import('@kplug/sdk');
    const plugin = await definePlugin({
      name: 'Unary',
      version: '1.0.0',
      api: 'Table@1.0.0',
      reconcile: () => undefined,
    }).serve({
      controller: `127.0.0.1:${port}`,
      logLevel: 'silent',
      handleSignals: false,
    });
    onTestFinished(() => plugin.stop());
    await vi.waitFor(() => expect(onHeartbeat.mock.calls.length).toBeGreaterThan(3));
    expect(onHeartbeat).toHaveBeenCalledWith('Unary');
  });

  it('identifies itself by GetInfo', async () => {
    const operator = await TestOperator.start();
    const running = await operator.plugin({ name: 'PostgreSQL', version: '2.1.0' });
    const address = running.address.replace(/^:/, '127.0.0.1:');
    const client = createGrpcClient(PluginService, address, grpc.credentials.createInsecure());
    onTestFinished(() => client.$client.close());
    expect(await client.getInfo({})).toMatchObject({
      plugin: 'PostgreSQL',
      version: '2.1.0',
      instanceId: running.instanceId,
      runtime: expect.stringMatching(/^@kplug\/sdk\/\d/),
    });
  });
});

describe('an operator that shuts down', () => {
  it('says so on sessions and watches', async () => {
    const operator = await TestOperator.start();
    const client = clientOf(operator);
    const streams = [client.session(), client.watchPlugins({})] as const;
    const errors = streams.map((stream) => new Promise((resolve) => stream.on('error', resolve).resume()));
    const answered = new Promise((resolve) => streams[0].once('data', resolve));
    streams[0].write({ message: { case: 'registration', value: registration } });
    await answered;
    await operator.controller.stop();
    for (const error of await Promise.all(errors))
      expect(error).toMatchObject({ code: grpc.status.UNAVAILABLE, details: 'the operator shut down' });
  });

  it('does not wait for a client that never reads', async () => {
    const operator = await TestOperator.start();
    const session = http2.connect(`http://${operator.controller.heartbeatAddress}`, {
      settings: { initialWindowSize: 0 },
    });
    session.on('error', () => undefined);
    onTestFinished(() => session.destroy());
    const path = '/kplug.v1.RegistryService/WatchPlugins';
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => undefined).end(Buffer.alloc(5));
    await once(stream, 'response');
    const closed = once(session, 'close');
    await operator.controller.stop();
    await closed;
  });
});

describe('the list of plugins', () => {
  it('contains each instance with its state, and can be watched', async () => {
    const operator = await TestOperator.start();
    await operator.plugin({ name: 'PostgreSQL' }, { instanceId: 'pg', labels: { zone: 'a' } });
    const client = clientOf(operator);
    const { instances } = await client.listPlugins({ plugin: 'postgresql' });
    expect(instances).toMatchObject([
      { registration: { plugin: 'PostgreSQL', instanceId: 'pg', labels: { zone: 'a' } }, state: InstanceState.LIVE },
    ]);
    expect((await client.listPlugins({ api: 'Other' })).instances).toEqual([]);

    const seen: string[] = [];
    const watch = client.watchPlugins({});
    watch.on('error', () => undefined);
    onTestFinished(() => watch.cancel());
    watch.on('data', ({ event }) => {
      seen.push(event.case === 'instance' ? `${event.value.registration?.instanceId} ${event.value.state}` : 'synced');
    });
    await vi.waitFor(() => expect(seen).toEqual([`pg ${InstanceState.LIVE}`, 'synced']));
    const maria = await operator.plugin({ name: 'MariaDB' }, { instanceId: 'maria' });
    await vi.waitFor(() => expect(seen).toContain(`maria ${InstanceState.LIVE}`));
    await maria.stop();
    await vi.waitFor(() => expect(seen).toContain(`maria ${InstanceState.GONE}`));
  });
});
