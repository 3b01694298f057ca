import { AssertionError } from 'node:assert';
import {
  type Dependent,
  defineCapability,
  definePlugin,
  type FinalizeInput,
  implementApi,
  type ReconcileInput,
  type ReconcileResult,
  retry,
  terminal,
} from '@kplug/sdk';
import { assertOutcome, testPlugin } from '@kplug/sdk/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const base = z.object({ spec: z.object({ columns: z.array(z.object({ name: z.string(), type: z.string() })) }) });
const extensions = { Options: z.object({ spec: z.object({ partitions: z.int().default(4) }) }) };

/** Defines a plugin of tables that returns what a test says. */
function answering(reconcile: (input: ReconcileInput) => ReconcileResult | Promise<ReconcileResult>) {
  return testPlugin(definePlugin({ name: 'Tables', version: '1.2.0', api: 'Table@1.0.0', reconcile }));
}

const columns = [{ name: 'id', type: 'int64' }];

describe('input', () => {
  it('a base and its extensions pass the schemas, which fill in defaults', async () => {
    const plugin = definePlugin({
      name: 'Tables',
      version: '1.2.0',
      api: 'Table@1.0.0',
      base,
      extensions,
      reconcile: ({ base: { spec, kind, apiVersion, metadata }, extensions: given, assignment, attempt }) => {
        const options = given.get('Options');
        return {
          status: { spec, kind, apiVersion, metadata, partitions: options?.spec.partitions, assignment, attempt },
          extensions: options ? [{ extension: options, status: { partitions: options.spec.partitions } }] : [],
        };
      },
    });
    const { reconcile } = testPlugin(plugin);
    const result = await reconcile({ base: { spec: { columns } }, extensions: [{ kind: 'Options', spec: {} }] });
    expect(result).toMatchObject({ outcome: 'Success', reason: '', message: '', thrown: undefined });
    expect(result.status).toEqual({
      spec: { columns },
      kind: 'Table',
      apiVersion: 'example.org/v1',
      metadata: {
        name: 'test',
        namespace: 'default',
        generation: 1,
        uid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/),
        resourceVersion: '1',
        creationTimestamp: '2000-01-01T00:00:00Z',
      },
      partitions: 4,
      assignment: { delegation: 'test', api: 'Table', apiVersion: '1.0.0', reason: 'Preferred', message: '' },
      attempt: 1,
    });
    expect(result.extensions).toEqual({ 'Options/test': { partitions: 4 } });
  });

  it('an invalid resource is the outcome Terminal, with the path of the fault', async () => {
    const reconcile = () => ({});
    const plugin = definePlugin({ name: 'Tables', version: '1.2.0', api: 'Table@1.0.0', base, extensions, reconcile });
    const options = { kind: 'Options' as const, spec: { partitions: 0.5 } };
    const result = await testPlugin(plugin).reconcile({
      base: { spec: { columns: [{ name: 'id' }] } },
      extensions: [options],
    });
    expect(result).toMatchObject({ outcome: 'Terminal', reason: 'InvalidSpec', status: undefined });
    expect(result.message).toMatch(/^Table test is invalid: \.spec\.columns\[0\]\.type: /);
    expect(result.messages[1]).toMatchObject({ severity: 'error', extension: 'Options/test' });
  });

  it('the types of the input are those of the plugin', () => {
    const reconcile = () => ({});
    const plugin = definePlugin({ name: 'Tables', version: '1.2.0', api: 'Table@1.0.0', base, extensions, reconcile });
    const { reconcile: call } = testPlugin(plugin);
    const wrong = [
      // @ts-expect-error a field that the schema doesn't have
      () => call({ base: { spec: { colums: [] } } }),
      // @ts-expect-error a value of another type
      () => call({ base: { spec: { columns: [{ name: 7 }] } } }),
      // @ts-expect-error a kind that the plugin doesn't understand
      () => call({ extensions: [{ kind: 'Option' }] }),
      // @ts-expect-error a text instead of a number
      () => call({ extensions: [{ kind: 'Options', spec: { partitions: '4' } }] }),
      // @ts-expect-error a field of metadata that does not exist
      () => call({ base: { metadata: { label: {} } } }),
    ];
    expect(wrong).toHaveLength(5);
  });

  it('dependents, required resources, capability, operation and attempt arrive', async () => {
    const seen: unknown[] = [];
    const { reconcile } = answering(({ dependents, required, capability, operation, attempt, base: { metadata } }) => {
      const ready = dependents.get<{ status: { readyReplicas: number } }>('Deployment', 'users')?.status.readyReplicas;
      const plan = required.get<{ data: { size: string } }>('plan');
      seen.push(ready, plan?.data.size, required.has('missing'), required.get('missing'), required.has('unasked'));
      seen.push(required.all('accounts').map(({ metadata: { namespace, name } }) => `${namespace}/${name}`));
      seen.push(capability, operation, attempt, metadata.generation);
      return {};
    });
    const secret = (namespace: string, name: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace },
    });
    const startedAt = new Date('2026-01-01T00:00:00Z');
    const result = await reconcile({
      base: { metadata: { generation: 3 } },
      dependents: [
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'users' }, status: { readyReplicas: 2 } },
      ],
      required: {
        plan: [
          { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'small', namespace: 'plans' }, data: { size: '1' } },
        ],
        missing: [],
        accounts: [secret('b', 'x'), secret('a', 'z'), secret('a', 'y')],
      },
      capability: { category: 'database', type: 'postgresql', version: '17' },
      operation: { percentage: 40, token: 'backup-1', startedAt, isCancelled: true },
      attempt: 3,
    });
    assertOutcome(result, 'Success');
    expect(seen).toEqual([
      2,
      '1',
      true,
      undefined,
      false,
      ['a/y', 'a/z', 'b/x'],
      { category: 'database', type: 'postgresql', version: '17', previousVersion: '' },
      { percentage: 40, message: '', token: 'backup-1', generation: 3, startedAt, isCancelled: true },
      3,
      3,
    ]);
  });

  it('a resource of a cluster-scoped kind has no namespace, and integers stay exact', async () => {
    const { reconcile } = answering(({ base: { metadata, spec } }) => ({ status: { metadata, spec } }));
    const { status } = await reconcile({ base: { metadata: { namespace: '' }, spec: { size: 9223372036854775807n } } });
    expect(status).toMatchObject({ spec: { size: 9223372036854775807n } });
    expect((status as { metadata: object }).metadata).not.toHaveProperty('namespace');
  });

  it('the signal of a test aborts the call, and its own signal belongs to one call', async () => {
    const abort = new AbortController();
    const { reconcile } = answering(async ({ signal }) => {
      abort.abort();
      signal.throwIfAborted();
      return {};
    });
    const result = await reconcile({ signal: abort.signal });
    expect(result).toMatchObject({ outcome: 'Retry', reason: 'PluginError' });
    expect(result.thrown).toMatchObject({ name: 'AbortError' });
  });
});

describe('result', () => {
  it('has everything that a plugin returned, as it was sent', async () => {
    const manifest = (kind: string): Dependent => ({ apiVersion: 'apps/v1', kind, metadata: { name: 'db' } });
    const plain: Dependent = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'db' }, spec: { port: 1 } };
    const { reconcile } = answering(({ extensions: given }) => ({
      status: { rows: 0, at: new Date('2026-01-01T00:00:00Z') },
      conditions: [
        { type: 'Backed', status: true, reason: 'Done' },
        { type: 'Tidy', status: 'Unknown', reason: 'NotChecked', message: 'later' },
      ],
      messages: [
        { reason: 'Slow', text: 'this takes long', severity: 'warning', ...extensionOf(given.get('Options')) },
      ],
      events: [
        { reason: 'Made', message: 'made it' },
        { type: 'Warning', reason: 'Odd', message: 'odd' },
      ],
      dependents: [
        plain,
        {
          manifest: manifest('StatefulSet'),
          dependsOn: ['Service/db'],
          readyWhen: 'true',
          readyTimeout: 1_500,
          includeWhen: 'base.spec.on',
          policy: 'CreateOnly',
          retain: true,
        },
        { manifest: manifest('Deployment'), policy: 'Apply' },
      ],
      require: {
        plan: { apiVersion: 'v1', kind: 'ConfigMap', name: 'small', namespace: 'plans' },
        accounts: { apiVersion: 'v1', kind: 'Secret', labels: { tier: 'gold' } },
      },
      requeueAfter: 30_000,
      validFor: 60_500,
    }));
    expect(await reconcile({ extensions: [{ kind: 'Options', metadata: { name: 'fast' } }] })).toEqual({
      outcome: 'Success',
      reason: '',
      message: '',
      retryAfter: undefined,
      progress: undefined,
      status: { rows: 0, at: '2026-01-01T00:00:00.000Z' },
      extensions: {},
      conditions: [
        { type: 'Backed', status: true, reason: 'Done', message: '' },
        { type: 'Tidy', status: 'Unknown', reason: 'NotChecked', message: 'later' },
      ],
      messages: [{ severity: 'warning', reason: 'Slow', text: 'this takes long', extension: 'Options/fast' }],
      events: [
        { type: 'Normal', reason: 'Made', message: 'made it' },
        { type: 'Warning', reason: 'Odd', message: 'odd' },
      ],
      dependents: [
        { manifest: plain },
        {
          manifest: manifest('StatefulSet'),
          dependsOn: ['Service/db'],
          readyWhen: 'true',
          readyTimeout: 1_500,
          includeWhen: 'base.spec.on',
          policy: 'CreateOnly',
          retain: true,
        },
        { manifest: manifest('Deployment') },
      ],
      require: {
        plan: { apiVersion: 'v1', kind: 'ConfigMap', name: 'small', namespace: 'plans' },
        accounts: { apiVersion: 'v1', kind: 'Secret', labels: { tier: 'gold' } },
      },
      requeueAfter: 30_000,
      validFor: 60_500,
      thrown: undefined,
    });
  });

  it('dependents and progress of a result are the input of a later pass', async () => {
    const manifest: Dependent = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, stringData: { a: 'b' } };
    const { reconcile } = answering(({ dependents, operation }) => ({
      dependents: [{ manifest, policy: 'CreateOnly' }],
      ...(operation
        ? { status: { token: operation.token, secrets: dependents.all().length } }
        : { progress: { token: 'b-1', after: 10 } }),
    }));
    const first = await reconcile();
    const dependents = first.dependents?.map((dependent) => dependent.manifest);
    expect((await reconcile({ dependents, operation: first.progress })).status).toEqual({ token: 'b-1', secrets: 1 });
  });

  it('a plugin that returns nothing succeeds and changes nothing', async () => {
    const result = await answering(() => undefined as never).reconcile();
    expect(result).toMatchObject({ outcome: 'Success', status: undefined, dependents: undefined, extensions: {} });
  });

  it('progress is the outcome InProgress', async () => {
    const { reconcile } = answering(() => ({
      status: { copied: 3 },
      messages: [{ reason: 'Copying', text: 'copies' }],
      progress: { percentage: 40, message: 'copying', token: 'b-1', after: 5_000 },
    }));
    const result = await reconcile();
    expect(result).toMatchObject({ outcome: 'InProgress', reason: '', message: 'copying', status: { copied: 3 } });
    expect(result.progress).toEqual({ percentage: 40, message: 'copying', token: 'b-1', after: 5_000 });
    expect(result.messages).toEqual([{ severity: 'info', reason: 'Copying', text: 'copies' }]);
    expect(result.retryAfter).toBeUndefined();
  });

  it.each([
    [
      retry('the database starts', { reason: 'Starting', after: 2_000 }),
      { outcome: 'Retry', reason: 'Starting', message: 'the database starts', retryAfter: 2_000 },
    ],
    [
      terminal('unknown type', { reason: 'UnknownType' }),
      { outcome: 'Terminal', reason: 'UnknownType', message: 'unknown type', retryAfter: undefined },
    ],
    [new TypeError('oops'), { outcome: 'Retry', reason: 'PluginError', message: 'oops', retryAfter: undefined }],
  ])('%s is a result, with what was thrown', async (error, expected) => {
    const result = await answering(() => {
      throw error;
    }).reconcile();
    expect(result).toMatchObject(expected);
    expect(result.thrown).toBe(error);
  });

  it('an answer that an operator could not receive is a failure', async () => {
    const large = answering(() => ({ status: { text: 'x'.repeat(5 * 1_024 * 1_024) } }));
    expect(await large.reconcile()).toMatchObject({ outcome: 'Retry', reason: 'AnswerTooLarge' });
    const notJson = answering(() => ({ status: { rows: Number.NaN } }));
    expect(await notJson.reconcile()).toMatchObject({
      outcome: 'Retry',
      message: expect.stringContaining('rows is NaN'),
    });
    const tooLate = answering(() => {
      throw retry('the database starts', { after: 1e30 });
    });
    expect(await tooLate.reconcile()).toMatchObject({
      outcome: 'Retry',
      reason: 'PluginFailed',
      message: expect.stringContaining("can't be encoded"),
    });
  });
});

describe('finalize', () => {
  const seen: FinalizeInput['cause'][] = [];
  const { finalize } = testPlugin(
    definePlugin({
      name: 'Tables',
      version: '1.2.0',
      api: 'Table@1.0.0',
      base,
      reconcile: () => ({}),
      finalize({ cause, base: { metadata }, required }) {
        seen.push(cause);
        const events = [{ reason: 'Dropped', message: `${metadata.name} ${Boolean(metadata.deletionTimestamp)}` }];
        return required.has('plan') || cause === 'deleted'
          ? { events }
          : { require: { plan: { apiVersion: 'v1', kind: 'ConfigMap', name: 'plan' } } };
      },
    }),
  );

  it('is called with its cause, also for a resource that the schema refuses', async () => {
    expect(await finalize({ base: { spec: {} } })).toMatchObject({
      outcome: 'Success',
      events: [{ reason: 'Dropped', message: 'test true' }],
    });
    expect(await finalize({ cause: 'handedOver' })).toMatchObject({
      outcome: 'Retry',
      reason: 'RequiresResources',
      require: { plan: { apiVersion: 'v1', kind: 'ConfigMap', name: 'plan' } },
    });
    expect(await finalize({ cause: 'handedOver', required: { plan: [] } })).toMatchObject({
      outcome: 'Success',
      events: [{ message: 'test false' }],
    });
    expect(seen).toEqual(['deleted', 'handedOver', 'handedOver']);
  });

  it('of a plugin without one succeeds', async () => {
    expect(await answering(() => ({})).finalize()).toMatchObject({ outcome: 'Success' });
  });
});

describe('plugins', () => {
  it('of several APIs are called for the API that a test names', async () => {
    const plugin = definePlugin({
      name: 'Foobar',
      version: '1.0.0',
      apis: [
        implementApi({ api: 'Foo@1.0.0', reconcile: ({ assignment }) => ({ status: { foo: assignment.api } }) }),
        implementApi({ api: 'Bar@2.0.0', reconcile: ({ base: { kind } }) => ({ status: { bar: kind } }) }),
      ],
    });
    expect((await testPlugin(plugin, { api: 'Foo' }).reconcile()).status).toEqual({ foo: 'Foo' });
    expect((await testPlugin(plugin, { api: 'Bar@2.0.0' }).reconcile()).status).toEqual({ bar: 'Bar' });
    const advice =
      "the plugin implements Foo@1.0.0, Bar@2.0.0; write which one to call, as in testPlugin(plugin, { api: 'Foo' })";
    expect(() => testPlugin(plugin)).toThrow(advice);
    expect(() => testPlugin(plugin, { api: 'Baz' })).toThrow(
      'the plugin doesn\'t implement the API "Baz"; it implements Foo@1.0.0, Bar@2.0.0',
    );
  });

  it('of capabilities get the capability that a test gives', async () => {
    const plugin = defineCapability({
      name: 'Databases',
      version: '1.0.0',
      api: 'Capability@1.0.0',
      category: 'database',
      types: { postgresql: ['16', '17'] },
      dependents: ({ version, name }) => [
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: `${name}-${version}` } },
      ],
    });
    const { reconcile } = testPlugin(plugin);
    const { dependents } = await reconcile({ capability: { type: 'postgresql', version: '17' } });
    expect(dependents).toEqual([{ manifest: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'test-17' } } }]);
    const unknown = await reconcile({ capability: { type: 'postgresql', version: '9' } });
    expect(unknown).toMatchObject({ outcome: 'Terminal', reason: 'NoSuchVersion' });
    expect(await reconcile()).toMatchObject({ outcome: 'Terminal', reason: 'NoCapability' });
  });

  it('run the calls for one resource one after another', async () => {
    let running = 0;
    const { reconcile } = answering(async () => {
      running++;
      const together = running;
      await new Promise(setImmediate);
      running--;
      return { status: { together } };
    });
    const results = await Promise.all([reconcile(), reconcile(), reconcile()]);
    expect(results.map(({ status }) => status)).toEqual([{ together: 1 }, { together: 1 }, { together: 1 }]);
  });
});

describe('an invalid input is refused:', () => {
  const { reconcile, finalize } = answering(() => ({}));

  it.each<[object, string]>([
    [{ spec: {} }, 'the input of reconcile has the unknown field "spec"; its fields are base, extensions, dependents,'],
    [{ base: [] }, 'base is a list; it must be an object'],
    [{ base: { metadata: 'users' } }, 'base.metadata is "users"; it must be an object'],
    [{ base: { metadata: { name: '' } } }, 'base.metadata.name is ""; it must be a text that is not empty'],
    [{ base: { metadata: { generation: '1' } } }, 'base.metadata.generation is "1"; it must be an integer'],
    [
      { base: { metadata: { labels: { a: 1 } } } },
      'base.metadata.labels["a"] is 1; it must be a text, as in Kubernetes',
    ],
    [{ base: { spec: { a: Number.NaN } } }, "base can't be encoded as JSON: spec.a is NaN"],
    [{ extensions: [{ spec: {} }] }, 'extensions[0].kind is missing; write it'],
    [{ extensions: { kind: 'Options' } }, 'extensions is an object; it must be a list of resources'],
    [
      { extensions: [{ kind: 'A' }, { kind: 'A' }] },
      'extensions has A/test twice; give each one its own metadata.name',
    ],
    [{ dependents: [{ kind: 'Secret' }] }, 'dependents[0].apiVersion is missing; write it'],
    [{ required: { plan: {} } }, 'required.plan is an object; it must be a list of resources'],
    [{ required: { plan: [{ apiVersion: 'v1', kind: 'ConfigMap' }] } }, 'required.plan[0].metadata.name is missing'],
    [
      { capability: { type: 'a', version: '1' } },
      'capability.category is missing; write it, as the API Table provides no',
    ],
    [
      { capability: { category: 'a', type: 'b', version: 17 } },
      "capability.version is 17; it must be a text such as '17'",
    ],
    [{ operation: { percentage: 101 } }, 'operation.percentage is 101; it must be an integer from 0 to 100'],
    [{ operation: { startedAt: 'today' } }, 'operation.startedAt is "today"; it must be a valid Date'],
    [{ operation: { cancelled: true } }, 'operation has the unknown field "cancelled"; its fields are percentage,'],
    [
      { assignment: { api: 'Foo' } },
      'assignment has the unknown field "api"; its fields are delegation, reason, message',
    ],
    [{ attempt: 0 }, 'attempt is 0; it must be an integer of at least 1'],
  ])('%j', async (input, message) => {
    await expect(reconcile(input)).rejects.toMatchObject({
      name: 'PluginError',
      code: 'InvalidInput',
      message: expect.stringContaining(message),
    });
  });

  it('an unknown cause', async () => {
    const cause = 'moved' as never;
    await expect(finalize({ cause })).rejects.toThrow('cause is "moved"; it must be "deleted" or "handedOver"');
  });

  it('what is no plugin', () => {
    expect(() => testPlugin({ serve: () => undefined } as never)).toThrow(
      'testPlugin needs a plugin that definePlugin or defineCapability made',
    );
  });
});

it('assertOutcome says what the plugin answered, and has what it threw as its cause', async () => {
  const thrown = terminal('unknown type "blob"', { reason: 'UnknownType' });
  const result = await answering(() => {
    throw thrown;
  }).reconcile();
  const fail = (...expected: [outcome: 'Success' | 'Terminal', reason?: string]) => {
    try {
      assertOutcome(result, ...expected);
    } catch (error) {
      return error as AssertionError;
    }
    return undefined;
  };
  expect(fail('Terminal')).toBeUndefined();
  expect(fail('Terminal', 'UnknownType')).toBeUndefined();
  const error = fail('Success');
  expect(error).toBeInstanceOf(AssertionError);
  expect(error?.message).toBe(
    'expected the outcome Success; the plugin answered Terminal UnknownType: unknown type "blob"',
  );
  expect(error?.cause).toBe(thrown);
  expect(fail('Terminal', 'Other')?.message).toContain(
    'expected the outcome Terminal Other; the plugin answered Terminal',
  );
});

function extensionOf(extension: ReturnType<ReconcileInput['extensions']['get']>) {
  return extension ? { extension } : {};
}
