import { type ApiImplementation, definePlugin, type ServeOptions } from '@kplug/sdk';
import { reference, TestOperator } from '@kplug/testing';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

const base = z.object({
  spec: z.object({ columns: z.array(z.object({ name: z.string(), type: z.enum(['string', 'int64']) })) }),
});
const options = z.object({ spec: z.object({ partitions: z.int().min(1).default(4) }) });

describe('schemas', () => {
  it('infer the types of the input and apply defaults', async () => {
    const operator = await TestOperator.start();
    operator.extension('PgOptions', 'users');
    operator.table('users', {
      columns: [{ name: 'id', type: 'int64' }],
      extensions: [reference('PgOptions', 'users')],
    });
    const plugin = definePlugin({
      name: 'Typed',
      version: '1.0.0',
      api: 'Table@1.0.0',
      base,
      extensions: { PgOptions: options },
      reconcile({ base, extensions }) {
        const partitions: number | undefined = extensions.get('PgOptions')?.spec.partitions;
        return { status: { first: base.spec.columns[0]?.name, partitions, of: base.metadata.name } };
      },
    });
    await operator.serve(plugin);
    await operator.expectReady('users', 'Typed');
    expect(operator.get('users')?.status).toMatchObject({ first: 'id', partitions: 4, of: 'users' });
    const [{ apis = [] } = {}] = [...operator.controller.registry.instances()].map(({ registration }) => registration);
    expect(apis[0]?.extensionKinds).toEqual([{ group: '', kind: 'PgOptions' }]);
  });

  it('reject an invalid resource before it reaches the plugin, and report the error in its status', async () => {
    const operator = await TestOperator.start();
    operator.extension('PgOptions', 'users', { partitions: 0 });
    operator.table('users', { columns: [{ name: 'id', type: 'blob' }], extensions: [reference('PgOptions', 'users')] });
    const reconcile = vi.fn(() => ({}));
    await operator.serve(
      definePlugin({
        name: 'Typed',
        version: '1.0.0',
        api: 'Table@1.0.0',
        base,
        extensions: { PgOptions: options },
        reconcile,
      }),
    );
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidSpec' });
    expect(operator.condition('users', 'Ready')?.message).toMatch(
      /^Typed 1.0.0: Table users is invalid: \.spec\.columns\[0\]\.type: Invalid option: expected one of "string"\|"int64"/,
    );
    await operator.controller.whenIdle();
    expect(reconcile).not.toHaveBeenCalled();
    operator.table('users', {
      columns: [{ name: 'id', type: 'int64' }],
      extensions: [reference('PgOptions', 'users')],
    });
    await operator.expectCondition('users', 'Ready', {
      message: expect.stringContaining('PgOptions users is invalid') as never,
    });
  });
});

describe('finalize', () => {
  it('gets a resource that no longer matches its schema', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { columns: [{ name: 'id', type: 'int64' }] });
    const finalized: unknown[] = [];
    await operator.serve(
      definePlugin({
        name: 'Typed',
        version: '1.0.0',
        api: 'Table@1.0.0',
        base,
        reconcile: () => ({}),
        finalize: (input) => void finalized.push(input.base.spec),
      }),
    );
    await operator.expectReady('users');
    operator.table('users', { columns: 'none' });
    await operator.expectCondition('users', 'Ready', { reason: 'InvalidSpec' });
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined());
    expect(finalized).toEqual([{ columns: 'none' }]);
  });
});

describe('definePlugin', () => {
  const definition = { name: 'Fine', version: '1.0.0', api: 'Table@1.0.0', reconcile: () => undefined };

  it.each([
    ['name', { name: 'not fine!' }, /the plugin's name "not fine!" is malformed/],
    ['version', { version: '1' }, /the plugin's version "1" is malformed/],
    ['API', { api: 'Table' }, /the API "Table" is malformed; write name and version, such as DatabaseTable@1.0.0/],
    ['version of an API', { api: 'Table@latest' }, /the version "latest" of the API Table/],
    ['empty list of APIs', { api: [] }, /at least one/],
    ['reconcile', { reconcile: undefined }, /has no reconcile; add a function/],
    ['reconcile of another type', { reconcile: 'all' }, /reconcile of the plugin must be a function/],
    ['finalize', { finalize: true }, /finalize of the plugin must be a function/],
    ['close', { close: {} }, /close of the plugin must be a function/],
    ['field', { reconsile: () => undefined }, /has the unknown field "reconsile"; its fields are name, .*reconcile/],
  ])('refuses a malformed %s', (_, given, message) => {
    expect(() => definePlugin({ ...definition, ...given } as typeof definition)).toThrow(
      expect.objectContaining({ code: 'InvalidDefinition', message: expect.stringMatching(message) }),
    );
  });

  it('refuses an API of several without reconcile, or with a misspelt field', () => {
    const define = (implementation: object) => () =>
      definePlugin({ name: 'Fine', version: '1.0.0', apis: [implementation as ApiImplementation] });
    expect(define({ api: 'Table@1.0.0' })).toThrow(/has no reconcile/);
    expect(define({ ...definition })).toThrow(/the implementation of an API has the unknown field "name"/);
    const misspelt = { name: 'Fine', version: '1.0.0', apis: [], closed: () => undefined };
    expect(() => definePlugin(misspelt)).toThrow(/the definition of the plugin has the unknown field "closed"/);
  });

  it('refuses a misspelt option', async () => {
    const options = { contoller: 'localhost:1' } as ServeOptions;
    await expect(definePlugin(definition).serve(options)).rejects.toThrow(
      expect.objectContaining({ code: 'InvalidDefinition', message: expect.stringContaining('"contoller"') }),
    );
  });

  it('rejects with CannotServe when its address is in use', async () => {
    const operator = await TestOperator.start();
    const bindAddress = operator.controller.heartbeatAddress;
    await expect(definePlugin(definition).serve({ bindAddress, handleSignals: false })).rejects.toMatchObject({
      code: 'CannotServe',
      message: expect.stringContaining(`can't listen on ${bindAddress}`),
    });
  });

  it('reads the deployment settings from the environment', async () => {
    const operator = await TestOperator.start();
    vi.stubEnv('KPLUG_CONTROLLER', operator.controller.heartbeatAddress);
    vi.stubEnv('KPLUG_INSTANCE_ID', 'from-env');
    vi.stubEnv('KPLUG_WEIGHT', '7');
    vi.stubEnv('KPLUG_LABELS', 'zone=a, tier=gold');
    vi.stubEnv('KPLUG_TTL', '2000');
    vi.stubEnv('KPLUG_POD_NAMESPACE', 'plugins');
    vi.stubEnv('KPLUG_POD_NAME', 'a-1');
    vi.stubEnv('KPLUG_LOG_LEVEL', 'silent');
    const plugin = await definePlugin(definition).serve({ handleSignals: false });
    vi.unstubAllEnvs();
    await vi.waitFor(() => expect(plugin.registered).toBe(true));
    expect(operator.controller.registry.get('from-env')?.registration).toMatchObject({
      weight: 7,
      labels: { zone: 'a', tier: 'gold' },
      lease: { ttl: 2_000 },
      pod: { namespace: 'plugins', name: 'a-1' },
    });
    await plugin.stop();
  });

  it('names the environment variable that is malformed', async () => {
    vi.stubEnv('KPLUG_WEIGHT', 'heavy');
    await expect(definePlugin(definition).serve()).rejects.toThrow(
      /KPLUG_WEIGHT is "heavy"; it must be a whole number/,
    );
    vi.unstubAllEnvs();
    vi.stubEnv('KPLUG_POD_NAME', 'a-1');
    await expect(definePlugin(definition).serve()).rejects.toThrow(
      /set both KPLUG_POD_NAMESPACE and KPLUG_POD_NAME, or neither/,
    );
    vi.unstubAllEnvs();
  });
});
