import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPythonPlugin, TestOperator } from '@kplug/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { installPythonFor, pythonPackage } from '../tools/python/environment.ts';
import { readSnippets } from './documentation/snippets.ts';

const waitOptions = { timeout: 15_000, interval: 10 };
const kinds = [
  { apiVersion: 'v1', kind: 'Secret', allowPrivileged: true },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'v1', kind: 'Service' },
];

// In CI, a missing Python is a failure.
const python = (await installPythonFor('the test of a capability in Python')) ?? '';

/** Starts the plugin of docs/capabilities.md, and an operator whose resources ask for capabilities. */
async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-python-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const snippet = readSnippets('docs/capabilities.md').find(({ language }) => language === 'python');
  writeFileSync(join(folder, 'databases.py'), snippet?.code ?? '');
  copyFileSync(join(pythonPackage, 'tests/plugins/manifests.py'), join(folder, 'manifests.py'));
  const api = 'Capability@^1.0.0';
  const operator = await TestOperator.start({ api, capability: {}, dependents: { kinds } });
  const startPlugin = () => startPythonPlugin(operator.controller, python, join(folder, 'databases.py'));
  const dependent = (key: string) => operator.resources.get(`${key}/default/users-db`);
  const setReady = async () => {
    const found = await vi.waitFor(() => {
      const set = dependent('apps/v1/StatefulSet');
      expect(set).toBeDefined();
      return set;
    }, waitOptions);
    const observedGeneration = found?.metadata.generation ?? 0;
    const status = { observedGeneration, replicas: 1, readyReplicas: 1, currentReplicas: 1 };
    const by = { uid: found?.metadata.uid ?? '', fieldManager: 'controller' };
    await operator.resources.applyStatus('apps/v1/StatefulSet/default/users-db', status, by);
  };
  return { operator, startPlugin, dependent, setReady };
}

it.skipIf(!python)('a capability in Python is provided, upgraded and deleted', async () => {
  const { operator, startPlugin, dependent, setReady } = await start();
  const ask = (version: string) => operator.table('users', { category: 'database', type: 'postgresql', version });
  ask('16');
  await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'CapabilityUnavailable' });
  await startPlugin();
  await setReady();
  await operator.expectReady('users', 'Databases');
  expect(operator.get('users')?.status).toMatchObject({
    capability: { category: 'database', type: 'postgresql', version: '16' },
    host: 'users-db.default',
    port: 5432,
    dependentsReady: '3/3',
  });
  const secret = dependent('/v1/Secret');
  expect(secret).toBeDefined();

  ask('17');
  const image = { spec: { template: { spec: { containers: [{ image: 'postgresql:17' }] } } } };
  await vi.waitFor(() => expect(dependent('apps/v1/StatefulSet')).toMatchObject(image), waitOptions);
  await setReady();
  await operator.expectReady('users', 'Databases');
  // The password of each later call is another one, and has no effect.
  expect(dependent('/v1/Secret')).toEqual(secret);

  ask('18');
  await operator.expectCondition('users', 'Ready', {
    reason: 'CapabilityUnavailable',
    message: "postgresql 18 isn't provided; postgresql 16 and 17 are, by Databases 1.0.0",
  });
  expect(dependent('apps/v1/StatefulSet')).toMatchObject(image);

  operator.delete('users');
  await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
  expect(dependent('apps/v1/StatefulSet')).toBeUndefined();
  expect(dependent('/v1/Secret')?.metadata.ownerReferences).toEqual([]);
});
