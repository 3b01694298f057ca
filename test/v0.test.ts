import { toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, InstanceState, RegistryService, v0 } from '@kplug/protocol';
import {
  beat,
  keyFor,
  pythonReturnedNothing,
  type ReadResource,
  reference,
  TestOperator,
  V0Plugin,
} from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const waiting = { timeout: 10_000, interval: 10 };

/** Starts an operator that reads extensions from `spec.references`, as v0 did, and records its log. */
async function startOperator(delegation: ConstructorParameters<typeof TestOperator>[0] = {}, lease = {}) {
  const log: { reason?: string; msg: string; resource?: string }[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => void log.push(JSON.parse(line)) });
  const operator = await TestOperator.start(
    { extensions: { path: '.spec.references' }, v0Calls: 'createThenUpdate', ...delegation },
    { allowInsecurePlugins: true, logger, ...lease },
  );
  return { operator, log };
}

const ready = (operator: TestOperator, name: string) =>
  operator.condition(name, 'Ready') as { status: string; reason: string; message: string } | undefined;

describe('a heartbeat', () => {
  const information = { address: '127.0.0.1:7000', name: 'Old', version: '1.0.0', api: 'Table', apiVersion: 'v1' };

  it('has the field numbers of the first Kplug', () => {
    const bytes = toBinary(v0.PluginInformationSchema, {
      $typeName: 'kplug.PluginInformation',
      ...{ address: 'a', name: 'b', version: 'c', api: 'd', apiVersion: 'e' },
    });
    expect(Buffer.from(bytes).toString('hex')).toBe('0a0161120162 1a0163 220164 2a0165'.replaceAll(' ', ''));
    const resources = { base: { yaml: 'b' }, references: { k: { yaml: 'r' } } };
    const { method } = v0.Plugin;
    expect([method.create, method.update, method.delete].map(({ name }) => name)).toEqual([
      'create',
      'update',
      'delete',
    ]);
    const written = toBinary(v0.ResourcesSchema, {
      $typeName: 'kplug.Resources',
      base: { $typeName: 'kplug.Resource', ...resources.base },
      references: { k: { $typeName: 'kplug.Resource', ...resources.references.k } },
    });
    expect(Buffer.from(written).toString('hex')).toBe('0a030a016212080a016b12030a0172');
  });

  it('is refused with the name of the flag, unless the operator allows v0 plugins', async () => {
    const operator = await TestOperator.start();
    expect(await beat(operator.controller.heartbeatAddress, information)).toMatchObject({
      accepted: false,
      notAcceptedReason: expect.stringContaining('--allow-insecure-plugins'),
    });
    expect(operator.controller.registry.size).toBe(0);
  });

  it.each([
    ['address', /the heartbeat has no address;/],
    ['name', /the heartbeat has no name;/],
    ['api', /the heartbeat has no api;/],
  ])('without %s is refused with the reason', async (field, reason) => {
    const { operator } = await startOperator();
    const answer = await beat(operator.controller.heartbeatAddress, { ...information, [field]: '' });
    expect(answer).toMatchObject({ accepted: false, notAcceptedReason: expect.stringMatching(reason) });
  });

  it('with an address that is not allowed is refused with the reason', async () => {
    const { operator } = await startOperator();
    const answer = await beat(operator.controller.heartbeatAddress, { ...information, address: '169.254.169.254:80' });
    expect(answer).toMatchObject({ accepted: false, notAcceptedReason: expect.stringMatching(/is not allowed/) });
  });

  it('registers one instance with its protocol, however often it is sent', async () => {
    const { operator } = await startOperator();
    const { heartbeatAddress } = operator.controller;
    for (const _ of [1, 2, 3]) expect(await beat(heartbeatAddress, information)).toMatchObject({ accepted: true });
    const client = createGrpcClient(RegistryService, heartbeatAddress, grpc.credentials.createInsecure());
    onTestFinished(() => client.$client.close());
    const { instances } = await client.listPlugins({});
    expect(instances).toMatchObject([
      {
        registration: {
          plugin: 'Old',
          version: '1.0.0',
          apis: [{ name: 'Table', version: '1.0.0' }],
          instanceId: 'Old/Table@127.0.0.1:7000',
        },
        state: InstanceState.LIVE,
        protocol: 'kplug',
      },
    ]);
  });

  it('grants a lease that is long enough for the five-second interval of v0 plugins', async () => {
    const { operator } = await startOperator();
    await beat(operator.controller.heartbeatAddress, information);
    const [instance] = operator.controller.registry.instances();
    expect(instance?.registration.lease).toEqual({ interval: 5_000, ttl: 15_000 });
  });
});

describe('a plugin of the first Kplug', () => {
  it('is called to create once and then to update, and its statuses are merged', async () => {
    const { operator, log } = await startOperator();
    const options = operator.extension('PgOptions', 'users', { partitionBy: 'hash', quoted: 'no' });
    operator.table('users', { columns: 1, references: [reference('PgOptions', 'users')] });
    const seen: [ReadResource, Record<string, ReadResource>][] = [];
    const key = keyFor('PgOptions', 'users');
    const plugin = await V0Plugin.start(operator, {
      name: 'Old',
      create: (base, references) => {
        seen.push([base, references]);
        return [{ implementation: 'Old', made: { rows: 0, engine: 'x' } }, { [key]: { partitioned: true, on: 'yes' } }];
      },
      update: () => [{ made: { rows: 5 }, more: null }, { [key]: { partitions: 4 } }],
    });
    await operator.expectReady('users', 'Old');
    const [[base, references] = []] = seen;
    expect(base).toMatchObject({ kind: 'Table', metadata: { name: 'users' }, spec: { columns: 1 } });
    expect(references).toEqual({ [key]: expect.objectContaining({ spec: options.spec }) });
    expect(operator.get('users')?.status).toMatchObject({ implementation: 'Old', made: { rows: 0, engine: 'x' } });
    expect(operator.get('users', 'PgOptions')?.status).toEqual({ partitioned: true, on: 'yes' });
    expect(operator.condition('users', 'created.kplug.dev/Old')).toMatchObject({ status: 'True', reason: 'Created' });

    operator.table('users', { columns: 2, references: [reference('PgOptions', 'users')] });
    await operator.expectReady('users');
    await vi.waitFor(() => expect(plugin.calls).toEqual(['create', 'update']), waiting);
    expect(operator.get('users')?.status).toMatchObject({ made: { rows: 5, engine: 'x' } });
    expect(operator.get('users', 'PgOptions')?.status).toEqual({ partitioned: true, on: 'yes', partitions: 4 });
    // v0 plugins return their own name as `implementation`, which causes no warning.
    expect(log.filter(({ reason }) => reason === 'ReservedStatusField')).toEqual([]);
  });

  it.each([
    ['an empty mapping', '{}\n'],
    ['an empty text', ''],
    ['nothing in YAML', 'null\n...\n'],
  ])('that returns %s changes no status', async (_, yaml) => {
    const { operator } = await startOperator();
    operator.extension('PgOptions', 'users');
    operator.table('users', { references: [reference('PgOptions', 'users')] });
    const key = keyFor('PgOptions', 'users');
    await V0Plugin.start(operator, {
      name: 'Old',
      create: () => [{ rows: 1 }, { [key]: { rows: 2 } }],
      update: () => [yaml, { [key]: yaml }],
    });
    await operator.expectReady('users', 'Old');
    operator.table('users', { columns: 2, references: [reference('PgOptions', 'users')] });
    await operator.expectReady('users', 'Old');
    expect(operator.get('users')?.status).toMatchObject({ rows: 1 });
    expect(operator.get('users', 'PgOptions')?.status).toEqual({ rows: 2 });
  });

  it('is called to create until it succeeds', async () => {
    const { operator } = await startOperator();
    operator.table('users');
    let tries = 0;
    const plugin = await V0Plugin.start(operator, {
      name: 'Old',
      create: () => {
        tries++;
        if (tries < 3) throw new Error('the database is not there yet');
        return [{ rows: 1 }];
      },
    });
    await operator.expectReady('users', 'Old');
    expect(plugin.calls).toEqual(['create', 'create', 'create']);
  });

  it('that fails is called again, and its message is in the status', async () => {
    const { operator } = await startOperator();
    operator.table('users');
    let broken = true;
    const plugin = await V0Plugin.start(operator, {
      name: 'Old',
      update: () => {
        if (broken) throw new Error('the disk is full');
        return [{ repaired: true }];
      },
    });
    await operator.expectReady('users', 'Old');
    operator.table('users', { columns: 2 });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'PluginFailed' });
    expect(ready(operator, 'users')?.message).toMatch(/^Old 1\.0\.0 at .* failed with INTERNAL: the disk is full$/);
    broken = false;
    await operator.expectReady('users', 'Old');
    expect(operator.get('users')?.status).toMatchObject({ repaired: true });
    // It stays created after a failed update.
    expect(plugin.calls.filter((call) => call === 'create')).toHaveLength(1);
  });

  it('is a fallback that hands over to the preferred plugin, and is called to create again afterwards', async () => {
    const { operator } = await startOperator({}, { lease: { interval: 200, ttl: 1_000, maxTtl: 1_000 } });
    operator.table('users', { preferredImplementation: 'New' });
    const old = await V0Plugin.start(operator, { name: 'Old', create: () => [{ by: 'Old' }] });
    await operator.expectReady('users', 'Old');
    expect(operator.condition('users', 'PluginSelected')).toMatchObject({ status: 'True', reason: 'Fallback' });

    const preferred = await operator.plugin({ name: 'New' });
    await operator.expectReady('users', 'New');
    expect(operator.get('users')?.status).toMatchObject({ by: 'New' });
    expect(operator.condition('users', 'created.kplug.dev/Old')).toBeUndefined();

    await preferred.stop();
    await operator.expectReady('users', 'Old');
    expect(old.calls).toEqual(['create', 'create']);
  });

  it('can have v0 and v1 instances of the same version', async () => {
    const { operator } = await startOperator();
    await V0Plugin.start(operator, { name: 'Twin', create: () => [{ by: 'Twin' }] });
    await operator.plugin({ name: 'Twin' });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) operator.table(name);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await operator.expectReady(name, 'Twin');
      expect(operator.get(name)?.status).toMatchObject({ by: 'Twin', plugin: { version: '1.0.0' } });
    }
  });

  it('is gone when its lease expires', async () => {
    const { operator } = await startOperator({}, { lease: { interval: 200, ttl: 1_000, maxTtl: 1_000 } });
    operator.table('users');
    const plugin = await V0Plugin.start(operator, { name: 'Old' });
    await operator.expectReady('users', 'Old');
    plugin.stopHeartbeats();
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    await vi.waitFor(() => expect(operator.controller.registry.size).toBe(0), { timeout: 10_000, interval: 5 });
  });

  it('that stops without deregistering is no longer called', async () => {
    const { operator } = await startOperator();
    operator.table('users', { preferredImplementation: 'Old' });
    const plugin = await V0Plugin.start(operator, { name: 'Old' });
    await operator.plugin({ name: 'New' });
    await operator.expectReady('users', 'Old');
    plugin.stop();
    await operator.expectReady('users', 'New');
  });
});

describe('an invalid answer of a plugin of the first Kplug is refused completely', () => {
  const key = keyFor('PgOptions', 'users');

  it.each([
    [
      'for a key that was not sent',
      [{}, { 'myorg.org/v1alpha1/PgOptions/default/others': {} }],
      /"myorg.*others", which/,
    ],
    ['with a list', ['- 1\n'], /the base's status isn't a YAML mapping/],
    ['with a text', ['just a text'], /the base's status isn't a YAML mapping/],
    ['with garbage', [{}, { [key]: 'a: [1, }' }], /the status of .*users isn't valid YAML/],
    ['with a tag', ['a: !!python/object:os.system {}'], /isn't valid YAML/],
    ['with an alias bomb', [bomb()], /isn't valid YAML/],
    ['with something that JSON has not', ['a: { b: .inf }'], /can't be stored: a\.b is not a finite number/],
    ['with a key that would change a prototype', ['a: { __proto__: { polluted: true } }'], /a key that is not allowed/],
    ['with a flood', [{ text: 'x'.repeat(300_000) }], /characters of YAML; at most 262144 are allowed/],
  ] as const)('%s', async (_, [base, references = {}], message) => {
    const { operator } = await startOperator();
    operator.extension('PgOptions', 'users');
    operator.table('users', { references: [reference('PgOptions', 'users')] });
    await V0Plugin.start(operator, {
      name: 'Old',
      create: () => [base === '' ? {} : (base ?? {}), { [key]: { written: true }, ...references }],
    });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidResponse' });
    expect(ready(operator, 'users')?.message).toMatch(message);
    expect(ready(operator, 'users')?.message).toMatch(/^the answer of Old 1\.0\.0 is refused: /);
    expect(operator.get('users', 'PgOptions')?.status).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('deleting', () => {
  async function deleted(remove: (base: ReadResource) => void) {
    const { operator, log } = await startOperator();
    operator.table('users');
    const plugin = await V0Plugin.start(operator, { name: 'Old', delete: remove });
    await operator.expectReady('users', 'Old');
    operator.delete('users');
    return { operator, plugin, log };
  }

  it('calls the plugin to delete', async () => {
    const names: string[] = [];
    const { operator, log } = await deleted((base) => void names.push(base.metadata.name));
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waiting);
    expect(names).toEqual(['users']);
    expect(log.filter(({ reason }) => reason === 'DeletedWithoutAnswer')).toEqual([]);
  });

  it('ends with a warning if the Python SDK of the first Kplug sends no response', async () => {
    const { operator, plugin, log } = await deleted(() => {
      throw pythonReturnedNothing;
    });
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waiting);
    expect(plugin.calls.filter((call) => call === 'delete')).toEqual(['delete']);
    expect(log).toContainEqual(
      expect.objectContaining({ reason: 'DeletedWithoutAnswer', resource: keyFor('Table', 'users') }),
    );
  });

  it('is retried after any other error, including INTERNAL ones', async () => {
    let tries = 0;
    const errors = [
      { code: grpc.status.INTERNAL, details: 'the table is locked' },
      { code: grpc.status.UNKNOWN, details: pythonReturnedNothing.details },
    ];
    const { operator, plugin } = await deleted(() => {
      const error = errors[tries++];
      if (error) throw error;
    });
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waiting);
    expect(plugin.calls.filter((call) => call === 'delete')).toHaveLength(3);
  });

  it('warns during a hand-over too', async () => {
    const { operator, log } = await startOperator({ handOver: 'finalize' });
    operator.table('users', { preferredImplementation: 'New' });
    await V0Plugin.start(operator, {
      name: 'Old',
      delete: () => {
        throw pythonReturnedNothing;
      },
    });
    await operator.expectReady('users', 'Old');
    await operator.plugin({ name: 'New' });
    await operator.expectReady('users', 'New');
    expect(log.map(({ reason }) => reason)).toContain('DeletedWithoutAnswer');
  });
});

/** YAML with nine levels of nine aliases each. */
function bomb(): string {
  const levels = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const lines = levels.map((level, index) => {
    const item = index === 0 ? 'x' : `*${levels[index - 1]}`;
    return `${level}: &${level} [${Array.from({ length: 9 }, () => item).join(', ')}]`;
  });
  return `${lines.join('\n')}\n`;
}
