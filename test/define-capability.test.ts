import type { JsonObject } from '@kplug/controller';
import { type Dependent, defineCapability, nameFrom } from '@kplug/sdk';
import { TestOperator } from '@kplug/testing';
import { expect, it, vi } from 'vitest';

const waitOptions = { timeout: 10_000, interval: 5 };
const apiVersion = 'myorg.org/v1alpha1';
const kinds = [
  { apiVersion, kind: 'View' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
];

const databases = (finalized: string[] = []) => {
  let passwords = 0;
  return defineCapability<
    { readonly postgresql: readonly ['16', '17']; readonly mariadb: readonly ['11.4'] },
    JsonObject
  >({
    name: 'Databases',
    version: '1.0.0',
    api: 'Table@1.0.0',
    category: 'database',
    types: { postgresql: ['16', '17'], mariadb: ['11.4'] },
    dependents(owner) {
      const name = nameFrom(owner.base, 'db');
      if (owner.type === 'mariadb') {
        const version: '11.4' = owner.version;
        expect(version).toBe('11.4');
        // @ts-expect-error: mariadb has no such version.
        expect(owner.version === '17').toBe(false);
      }
      const password: Dependent = { apiVersion, kind: 'View', metadata: { name }, spec: { password: ++passwords } };
      const set: Dependent = {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name },
        spec: { replicas: 1, image: `${owner.type}:${owner.version}` },
      };
      return [{ manifest: password, policy: 'CreateOnly', retain: true }, set];
    },
    status({ base, namespace, type }, observed) {
      const set = observed.get('StatefulSet', nameFrom(base, 'db'));
      return set && { host: `${set.metadata.name}.${namespace}`, port: type === 'postgresql' ? 5432 : 3306 };
    },
    finalize({ name, type, version }) {
      finalized.push(`${name} ${type} ${version}`);
    },
  });
};

async function start(finalized?: string[]) {
  const operator = await TestOperator.start({ capability: {}, dependents: { kinds } });
  await operator.plugin(databases(finalized).definition);
  const setReady = async () => {
    const key = 'apps/v1/StatefulSet/default/users-db';
    const found = await vi.waitFor(() => {
      const resource = operator.resources.get(key);
      expect(resource).toBeDefined();
      return resource;
    }, waitOptions);
    const status = {
      observedGeneration: found?.metadata.generation ?? 0,
      replicas: 1,
      readyReplicas: 1,
      currentReplicas: 1,
    };
    await operator.resources.applyStatus(key, status, { uid: found?.metadata.uid ?? '', fieldManager: 'controller' });
  };
  return { operator, setReady };
}

it('a capability is made of dependents, has connection parameters, and is upgraded and deleted', async () => {
  const finalized: string[] = [];
  const { operator, setReady } = await start(finalized);
  operator.table('users', { category: 'database', type: 'postgresql', version: '16' });
  await setReady();
  await operator.expectReady('users', 'Databases');
  expect(operator.get('users')?.status).toMatchObject({
    capability: { category: 'database', type: 'postgresql', version: '16' },
    host: 'users-db.default',
    port: 5432,
    dependentsReady: '2/2',
  });

  operator.table('users', { category: 'database', type: 'postgresql', version: '17' });
  const set = () => operator.resources.get('apps/v1/StatefulSet/default/users-db');
  await vi.waitFor(() => expect(set()?.spec).toMatchObject({ image: 'postgresql:17' }), waitOptions);
  await setReady();
  await operator.expectReady('users', 'Databases');
  expect(operator.get('users-db', 'View')?.spec).toEqual({ password: 1 });

  operator.delete('users');
  await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
  expect(finalized).toEqual(['users postgresql 17']);
  expect(set()).toBeUndefined();
  expect(operator.get('users-db', 'View')?.metadata.ownerReferences).toEqual([]);
});

it('two types and versions stand side by side', async () => {
  const { operator } = await start();
  operator.table('orders', { category: 'database', type: 'mariadb' });
  operator.table('users', { category: 'database', type: 'postgresql' });
  const imageOf = (name: string) => operator.resources.get(`apps/v1/StatefulSet/default/${name}-db`)?.spec?.image;
  await vi.waitFor(() => {
    expect([imageOf('orders'), imageOf('users')]).toEqual(['mariadb:11.4', 'postgresql:17']);
  }, waitOptions);
});

it('a delegation without capabilities is named in the status', async () => {
  const operator = await TestOperator.start({ dependents: { kinds } });
  await operator.plugin(databases().definition);
  operator.table('users');
  await operator.expectCondition('users', 'Ready', {
    status: 'False',
    reason: 'NoCapability',
    message: expect.stringContaining('the delegation tables has no capabilities; add "capability: {}" to it') as string,
  });
});

it('a version that the plugin does not provide is refused with what it provides', async () => {
  const { definition } = databases();
  const call = (type: string, version: string) => {
    const base = { apiVersion, kind: 'Table', metadata: { name: 'users' }, spec: {} };
    const capability = { category: 'database', type, version, previousVersion: '' };
    return definition.reconcile({ base, capability } as unknown as Parameters<typeof definition.reconcile>[0]);
  };
  await expect(call('postgresql', '14')).rejects.toMatchObject({
    reason: 'NoSuchVersion',
    message: 'Databases 1.0.0 provides no postgresql 14; it provides postgresql 16, 17',
  });
  await expect(call('constructor', '1')).rejects.toMatchObject({
    message: 'Databases 1.0.0 provides no constructor 1; it provides postgresql, mariadb',
  });
});
