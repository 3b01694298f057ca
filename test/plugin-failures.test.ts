import * as grpc from '@grpc/grpc-js';
import {
  addService,
  ConditionStatus,
  createGrpcClient,
  type GrpcHandlers,
  Outcome,
  PluginService,
  RegistryService,
} from '@kplug/protocol';
import { reference, TestOperator } from '@kplug/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

type Handlers = GrpcHandlers<typeof PluginService>;

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Plugin that implements the protocol directly and may violate it. It registers by unary heartbeats. */
async function rawPlugin(
  operator: TestOperator,
  reconcile: Handlers['reconcile'],
  given: { plugin?: string; instanceId?: string; claims?: string } = {},
  garbage?: Buffer,
) {
  const { plugin = 'Raw', instanceId = 'raw', claims = instanceId } = given;
  const server = new grpc.Server();
  const send = server.addService.bind(server);
  server.addService = (service, implementation) => {
    const definition = Object.fromEntries(
      Object.entries(service).map(([name, method]) => [
        name,
        garbage && name === 'reconcile' ? { ...method, responseSerialize: () => garbage } : method,
      ]),
    );
    send(definition, implementation);
  };
  addService(server, PluginService, {
    getInfo: () => ({ plugin, version: '1.0.0', instanceId }),
    reconcile,
    finalize: () => ({ outcome: Outcome.SUCCESS }),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const registry = createGrpcClient(
    RegistryService,
    operator.controller.heartbeatAddress,
    grpc.credentials.createInsecure(),
  );
  const beat = () =>
    registry.heartbeat({
      registration: {
        plugin,
        version: '1.0.0',
        apis: [{ name: 'Table', version: '1.0.0' }],
        address: `127.0.0.1:${port}`,
        instanceId: claims,
      },
    });
  await beat();
  const timer = setInterval(() => void beat().catch(() => undefined), 200);
  onTestFinished(() => {
    clearInterval(timer);
    registry.$client.close();
    server.forceShutdown();
  });
  return { server, port };
}

describe('an answer that violates the protocol is refused completely', () => {
  const success = { outcome: Outcome.SUCCESS };

  it.each([
    ['without an outcome', {}, /it returned no outcome/],
    [
      'with a status that is not JSON',
      { ...success, baseStatus: new Uint8Array([0xff, 0xfe]) },
      /the base's status isn't JSON in UTF-8/,
    ],
    [
      'with a status that is not an object',
      { ...success, baseStatus: json([1]) },
      /the base's status isn't a JSON object/,
    ],
    [
      'with a key that changes a prototype',
      { ...success, baseStatus: new TextEncoder().encode('{"a":{"__proto__":{"polluted":true}}}') },
      /a key that is not allowed/,
    ],
    [
      'for another resource',
      { ...success, extensionStatuses: { 'myorg.org/v1alpha1/PgOptions/default/others': json({}) } },
      /others", which isn't an extension of this resource/,
    ],
    [
      'with a condition that is reserved for the controller',
      { ...success, conditions: [{ type: 'Ready', status: ConditionStatus.TRUE, reason: 'Because' }] },
      /the condition Ready, which is reserved for the controller/,
    ],
    [
      'with a condition without a status',
      { ...success, conditions: [{ type: 'Backup', reason: 'Because' }] },
      /the condition Backup without a status/,
    ],
    [
      'with a reason that is not a word',
      { ...success, events: [{ reason: 'It is so', message: '' }] },
      /an event has "It is so" as its reason/,
    ],
    [
      'with too many events',
      { ...success, events: Array.from({ length: 101 }, () => ({ reason: 'Again', message: '' })) },
      /101 events; at most 100/,
    ],
  ])('%s', async (_, response, message) => {
    const operator = await TestOperator.start();
    operator.extension('PgOptions', 'users');
    operator.table('users', { extensions: [reference('PgOptions', 'users')] });
    await rawPlugin(operator, () => response);
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidResponse' });
    expect(operator.condition('users', 'Ready')?.message).toMatch(message);
    expect(operator.condition('users', 'Ready')?.message).toMatch(/^the answer of Raw 1.0.0 is refused/);
    expect(operator.get('users', 'PgOptions')?.status).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('a plugin', () => {
  it('that answers with a malformed message fails only that call', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await rawPlugin(operator, () => ({ outcome: Outcome.SUCCESS }), {}, Buffer.from([0xff, 0xff, 0xff]));
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'PluginFailed' });
    await operator.plugin({ name: 'Sound' }, { weight: 200 });
    operator.table('users', { preferredImplementation: 'Sound' });
    await operator.expectReady('users', 'Sound');
  });

  it('that answers too late is cancelled at the deadline', async () => {
    const operator = await TestOperator.start({ deadline: '100ms' });
    operator.table('users');
    const aborted = vi.fn();
    await operator.plugin({
      name: 'Slow',
      reconcile: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(aborted()))),
    });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'DeadlineExceeded' });
    await vi.waitFor(() => expect(aborted).toHaveBeenCalled());
  });

  it('that answers with a message that is too large is refused', async () => {
    const operator = await TestOperator.start({}, { connections: { maxMessageSize: 10_000 } });
    operator.table('users');
    await operator.plugin({ name: 'Verbose', reconcile: () => ({ status: { text: 'x'.repeat(20_000) } }) });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidResponse' });
    expect(operator.condition('users', 'Ready')?.message).toMatch(/is too large/);
  });

  it('that accepts only smaller requests fails, with a message about the request', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { text: 'x'.repeat(20_000) });
    await operator.plugin({ name: 'Narrow' }, { maxMessageSize: 10_000 });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'PluginFailed' });
    const message = operator.condition('users', 'Ready')?.message;
    expect(message).toMatch(/the request to Narrow 1\.0\.0 at \S+ is too large: .*larger than max/);
    expect(message).not.toMatch(/answer/);
  });

  it('that returns fields reserved for the controller has them ignored', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await operator.plugin({
      name: 'PostgreSQL',
      reconcile: () => ({
        status: { implementation: 'Forged', plugin: 7, observedGeneration: 99, conditions: [], mine: 1 },
      }),
    });
    await operator.expectReady('users', 'PostgreSQL');
    expect(operator.get('users')?.status).toMatchObject({
      plugin: { name: 'PostgreSQL' },
      observedGeneration: 1,
      mine: 1,
    });
  });

  it('that registers an unreachable address is not available', async () => {
    const operator = await TestOperator.start();
    const { server } = await rawPlugin(operator, () => ({ outcome: Outcome.SUCCESS }));
    server.forceShutdown();
    operator.table('users');
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'NoPlugin',
      message: expect.stringMatching(/Raw 1.0.0: none of its instances can be reached/) as string,
    });
  });

  it('that registers the address of another plugin gets no calls, nor does the other one for it', async () => {
    const operator = await TestOperator.start();
    const reconcile = vi.fn(() => ({ outcome: Outcome.SUCCESS }));
    await rawPlugin(operator, reconcile, { instanceId: 'real', claims: 'forged' });
    operator.table('users');
    await operator.expectCondition('users', 'Ready', {
      status: 'False',
      reason: 'NoPlugin',
      message: expect.stringMatching(/another process answers at its address/) as string,
    });
    expect(reconcile).not.toHaveBeenCalled();
  });

  it('that implements the protocol directly, without a health service, works', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    await rawPlugin(operator, ({ base }) => {
      const { metadata } = JSON.parse(new TextDecoder().decode(base?.json)) as { metadata: { name: string } };
      return { outcome: Outcome.SUCCESS, baseStatus: json({ hello: metadata.name }) };
    });
    await operator.expectReady('users', 'Raw');
    expect(operator.get('users')?.status).toMatchObject({ hello: 'users' });
  });
});
