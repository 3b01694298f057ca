import { AssertionError } from 'node:assert';
import { KplugError } from '@kplug/controller';
import { OperatorTest } from '@kplug/controller/testing';
import { definePlugin, type PluginDefinition, terminal } from '@kplug/sdk';
import { expect, it } from 'vitest';

const apiVersion = 'myorg.org/v1alpha1';
const delegation = {
  name: 'tables',
  base: { apiVersion, kind: 'Table' },
  api: 'Table@^1.0.0',
  dependents: { kinds: [{ apiVersion: 'v1', kind: 'ConfigMap' }] },
};

function table(spec: { size: number }) {
  return { apiVersion, kind: 'Table', metadata: { name: 'users' }, spec };
}

function plugin(definition: Pick<PluginDefinition, 'reconcile' | 'finalize'>) {
  return definePlugin({ name: 'Tables', version: '1.0.0', api: 'Table@1.0.0', ...definition });
}

it('a plugin is called by an operator, for a new, a changed and a deleted resource', async () => {
  const calls: string[] = [];
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'users' } };
  const tables = plugin({
    reconcile({ base: { spec }, dependents }) {
      const { size } = spec as { size: number };
      calls.push(`reconcile ${size}`);
      const found = dependents.get<{ data: { size: string }; spec?: never }>('ConfigMap', 'users');
      return {
        status: { found: found?.data.size ?? '' },
        dependents: [{ ...configMap, data: { size: String(size) } }],
      };
    },
    finalize: ({ cause }) => void calls.push(`finalize ${cause}`),
  });
  await using operator = await OperatorTest.start({ delegations: [delegation] });
  const resource = operator.apply(table({ size: 1 }));
  await operator.waitForCondition(resource, { type: 'Ready', status: 'False', reason: 'NoPlugin' });

  await operator.serve(tables);
  await operator.waitForCondition(resource, { type: 'Ready', status: 'True' });
  await operator.waitFor(resource, ({ status }) => status?.found === '1');
  expect(operator.get(configMap)).toMatchObject({ data: { size: '1' } });

  operator.apply(table({ size: 2 }));
  const changed = await operator.waitForCondition(resource, { type: 'Ready', status: 'True' });
  expect(changed.metadata.generation).toBe(2);
  expect(calls).toContain('reconcile 2');

  operator.delete(resource);
  await operator.waitForDeletion(resource);
  await operator.waitForDeletion(configMap);
  expect(calls.at(-1)).toBe('finalize deleted');
});

it('what the kit without an operator does not test is refused here', async () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'users' } };
  await using operator = await OperatorTest.start({ delegations: [delegation] });
  await operator.serve(plugin({ reconcile: () => ({ dependents: [secret] }) }));
  const resource = operator.apply(table({ size: 1 }));
  const { status } = await operator.waitForCondition(resource, { type: 'Reconciled', status: 'False' });
  expect(JSON.stringify(status?.conditions)).toContain('Secret');
});

it('waiting fails with the conditions of the resource', async () => {
  await using operator = await OperatorTest.start({ delegations: [delegation] });
  const fail = () => {
    throw terminal('no space left', { reason: 'Full' });
  };
  await operator.serve(plugin({ reconcile: fail }));
  const resource = operator.apply(table({ size: 1 }));
  await operator.waitForCondition(resource, { type: 'Reconciled', status: 'False', reason: 'Full' });
  const waiting = operator.waitForCondition(resource, { type: 'Ready', status: 'True' }, { timeout: 20 });
  await expect(waiting).rejects.toThrow(AssertionError);
  await expect(waiting).rejects.toThrow(
    /^Table default\/users has no condition Ready True after 20 ms; its conditions are .*Reconciled False Full: .*no space left/,
  );
  await expect(operator.waitFor(resource, () => false, { timeout: 20 })).rejects.toThrow(
    'Table default/users does not pass the test after 20 ms; its conditions are',
  );
  await expect(operator.waitForDeletion(resource, { timeout: 20 })).rejects.toThrow('Table default/users is not gone');
  const missing = { ...resource, metadata: { name: 'missing' } };
  await expect(operator.waitFor(missing, () => true, { timeout: 20 })).rejects.toThrow('it does not exist');
  const mistake = () => {
    throw new TypeError('a mistake in a test');
  };
  await expect(operator.waitFor(resource, mistake)).rejects.toThrow('a mistake in a test');
});

it('operator and plugins have stopped when the block ends', async () => {
  const stopped: string[] = [];
  let ended: Promise<void>;
  {
    await using operator = await OperatorTest.start({ delegations: [delegation] });
    ended = operator.controller.ended.then(() => void stopped.push('operator'));
    const tables = { name: 'Tables', version: '1.0.0', api: 'Table@1.0.0', reconcile: () => ({}) };
    await operator.serve(definePlugin({ ...tables, close: () => void stopped.push('plugin') }));
  }
  await ended;
  expect(stopped).toEqual(['plugin', 'operator']);
});

it('an operator stops also when a plugin fails to', async () => {
  const operator = await OperatorTest.start({ delegations: [delegation] });
  const close = () => Promise.reject(new Error('the database is gone'));
  const tables = { name: 'Tables', version: '1.0.0', api: 'Table@1.0.0', reconcile: () => ({}) };
  await operator.serve(definePlugin({ ...tables, close }));
  await expect(operator.stop()).rejects.toThrow('the database is gone');
  await operator.controller.ended;
});

it('a malformed delegation or manifest is an error that names it', async () => {
  await expect(OperatorTest.start({ delegations: [{ ...delegation, api: 'Table@one' }] })).rejects.toThrow(KplugError);
  await using operator = await OperatorTest.start({ delegations: [delegation] });
  expect(() => operator.apply({ ...table({ size: 1 }), metadata: { name: 'Users' } })).toThrow('metadata.name');
});
