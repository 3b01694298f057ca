import { readFileSync } from 'node:fs';
import { type DelegationDeclaration, formatKey, type JsonObject } from '@kplug/controller';
import { TestOperator } from '@kplug/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { components } from './components/plugin.ts';
import { databases } from './databases/capability.ts';
import { messaging } from './messaging/capability.ts';

const waitOptions = { timeout: 10_000, interval: 5 };
const platform = 'platform.example.org/v1';
const values = readFileSync(new URL('deploy/operator-values.yaml', import.meta.url), 'utf8');
const { delegations } = parse(values) as { delegations: DelegationDeclaration[] };
const quick = delegations.map((each) => ({ ...each, backOff: { initial: 20, max: 200 }, minRequeueInterval: 10 }));

let operator: TestOperator;
beforeEach(async () => {
  operator = await TestOperator.start(quick[0], {});
});

const images = { postgresql: 'postgres:{version}', mariadb: 'mariadb:{version}' };
const key = (apiVersion: string, kind: string, name: string) =>
  formatKey({ apiVersion, kind, namespace: 'default', name });
const get = (apiVersion: string, kind: string, name: string) => operator.resources.get(key(apiVersion, kind, name));
const capability = (name: string) => get(platform, 'Capability', name);
const set = (name: string) => get('apps/v1', 'StatefulSet', name);

/** Applies a capability, as a user does. */
function ask(name: string, spec: JsonObject): void {
  operator.resources.apply({ apiVersion: platform, kind: 'Capability', metadata: { name }, spec });
}

const askDatabase = (name: string, type: string, version: string) => ask(name, { category: 'database', type, version });

/** Waits for an object and writes its status, as the controllers of a cluster do. */
async function report(apiVersion: string, kind: string, name: string, status: JsonObject): Promise<void> {
  const found = await vi.waitFor(() => {
    const resource = get(apiVersion, kind, name);
    expect(resource, `${kind} ${name}`).toBeDefined();
    return resource;
  }, waitOptions);
  const { uid = '', generation = 0 } = found?.metadata ?? {};
  const whole = { observedGeneration: generation, ...status };
  await operator.resources.applyStatus(key(apiVersion, kind, name), whole, { uid, fieldManager: 'cluster' });
}

const bind = (name: string) => report('v1', 'PersistentVolumeClaim', name, { phase: 'Bound' });
const start = (name: string) =>
  report('apps/v1', 'StatefulSet', name, { replicas: 1, readyReplicas: 1, currentReplicas: 1, updatedReplicas: 1 });

const expectCondition = (name: string, expected: object) =>
  vi.waitFor(() => {
    const conditions = capability(name)?.status?.conditions ?? [];
    const generation = capability(name)?.metadata.generation;
    expect(conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', observedGeneration: generation, ...expected }),
    );
  }, waitOptions);
const expectReady = (name: string) => expectCondition(name, { status: 'True' });

interface Container {
  name: string;
  image: string;
  args: string[];
  env: { name: string; value?: string }[];
}

/** Returns the containers of an instance, in the order in which they run. */
function containers(name: string): Container[] {
  const spec = set(name)?.spec as unknown as
    | { template: { spec: { initContainers?: Container[]; containers: Container[] } } }
    | undefined;
  const { initContainers = [], containers: main = [] } = spec?.template.spec ?? {};
  return [...initContainers, ...main];
}

const describeContainers = (name: string) =>
  containers(name).map((container) => `${container.name} ${container.image}`);

describe('databases', () => {
  beforeEach(async () => {
    await operator.serve(databases(images));
  });

  it('apply each dependent when the one before it is ready, and then report the connection parameters', async () => {
    askDatabase('orders', 'postgresql', '16');
    await vi.waitFor(() => expect(set('orders-db')).toBeDefined(), waitOptions);
    expect(get('v1', 'Secret', 'orders-db')).toMatchObject({
      stringData: { username: 'app', password: expect.any(String) },
    });
    expect(get('v1', 'PersistentVolumeClaim', 'orders-db')?.spec).toMatchObject({
      resources: { requests: { storage: '1Gi' } },
    });
    expect(get('v1', 'ConfigMap', 'orders-db')).toBeDefined();
    await expectCondition('orders', { status: 'False', reason: 'DependentsNotReady' });
    expect(get('v1', 'Service', 'orders-db'), 'the server is not ready').toBeUndefined();

    await bind('orders-db');
    await start('orders-db');
    await expectReady('orders');
    expect(capability('orders')?.status).toMatchObject({
      implementation: 'Databases',
      capability: { category: 'database', type: 'postgresql', version: '16' },
      dependentsReady: '5/5',
      host: 'orders-db.default.svc',
      port: 5432,
      database: 'app',
      username: 'app',
      secretName: 'orders-db',
    });
  });

  it('run two versions side by side, and two types', async () => {
    askDatabase('orders', 'postgresql', '14');
    askDatabase('reports', 'postgresql', '18');
    askDatabase('wiki', 'mariadb', '10.11');
    for (const name of ['orders-db', 'reports-db', 'wiki-db']) {
      await bind(name);
      await start(name);
    }
    for (const name of ['orders', 'reports', 'wiki']) await expectReady(name);
    expect(describeContainers('orders-db')).toEqual(['prepare postgres:14', 'postgresql postgres:14']);
    expect(describeContainers('reports-db')).toEqual(['prepare postgres:18', 'postgresql postgres:18']);
    expect(describeContainers('wiki-db')).toEqual(['mariadb mariadb:10.11']);
    expect(capability('wiki')?.status).toMatchObject({
      host: 'wiki-db.default.svc',
      port: 3306,
      secretName: 'wiki-db',
    });
    expect(containers('wiki-db')[0]?.env).toContainEqual({ name: 'MARIADB_AUTO_UPGRADE', value: '1' });
  });

  it('upgrade PostgreSQL by a dump with the version before, once, and keep the password', async () => {
    askDatabase('orders', 'postgresql', '16');
    await bind('orders-db');
    await start('orders-db');
    await expectReady('orders');
    const { stringData } = get('v1', 'Secret', 'orders-db') as unknown as { stringData: object };

    askDatabase('orders', 'postgresql', '17');
    const upgraded = ['dump postgres:16', 'prepare postgres:17', 'postgresql postgres:17'];
    await vi.waitFor(() => expect(describeContainers('orders-db')).toEqual(upgraded), waitOptions);
    for (const { env } of containers('orders-db').slice(0, 2)) {
      expect(env).toEqual(
        expect.arrayContaining([
          { name: 'FROM', value: '16' },
          { name: 'TO', value: '17' },
        ]),
      );
    }
    await start('orders-db');
    await expectReady('orders');
    const { generation } = set('orders-db')?.metadata ?? {};
    // Another pass, in which the version before is already the new one.
    ask('orders', { category: 'database', type: 'postgresql', version: '17', preferredImplementation: 'Databases' });
    await expectReady('orders');
    expect(set('orders-db')?.metadata.generation, 'the pod would be restarted').toBe(generation);
    expect(get('v1', 'Secret', 'orders-db')).toMatchObject({ stringData });
    expect(capability('orders')?.status).toMatchObject({ capability: { version: '17' } });
  });

  it('upgrade MariaDB in place', async () => {
    askDatabase('wiki', 'mariadb', '10.11');
    await bind('wiki-db');
    await start('wiki-db');
    await expectReady('wiki');
    askDatabase('wiki', 'mariadb', '11.4');
    await vi.waitFor(() => expect(describeContainers('wiki-db')).toEqual(['mariadb mariadb:11.4']), waitOptions);
  });

  it('refuse a downgrade, and change nothing', async () => {
    askDatabase('orders', 'postgresql', '17');
    await bind('orders-db');
    await start('orders-db');
    await expectReady('orders');
    const before = set('orders-db')?.metadata.resourceVersion;
    askDatabase('orders', 'postgresql', '16');
    const message = expect.stringContaining("version 16 can't read the data of version 17; set spec.version to 17");
    await expectCondition('orders', { status: 'False', reason: 'DowngradeRefused', message });
    expect(set('orders-db')?.metadata.resourceVersion).toBe(before);
    expect(capability('orders')?.status).toMatchObject({ host: 'orders-db.default.svc' });
    askDatabase('orders', 'postgresql', '17');
    await expectReady('orders');
  });

  it('return from an upgrade that was never ready', async () => {
    askDatabase('orders', 'postgresql', '16');
    await bind('orders-db');
    await start('orders-db');
    await expectReady('orders');
    askDatabase('orders', 'postgresql', '17');
    await vi.waitFor(() => expect(describeContainers('orders-db')).toHaveLength(3), waitOptions);
    askDatabase('orders', 'postgresql', '16');
    const former = ['prepare postgres:16', 'postgresql postgres:16'];
    await vi.waitFor(() => expect(describeContainers('orders-db')).toEqual(former), waitOptions);
    await start('orders-db');
    await expectReady('orders');
  });

  it('keep the Secret and the volume of a deleted capability, and use them again when it comes back', async () => {
    askDatabase('orders', 'postgresql', '16');
    await bind('orders-db');
    await start('orders-db');
    await expectReady('orders');
    const secret = get('v1', 'Secret', 'orders-db');
    const claim = get('v1', 'PersistentVolumeClaim', 'orders-db');

    operator.resources.delete(key(platform, 'Capability', 'orders'));
    await vi.waitFor(() => expect(capability('orders')).toBeUndefined(), waitOptions);
    for (const [apiVersion, kind] of [
      ['v1', 'Service'],
      ['apps/v1', 'StatefulSet'],
      ['v1', 'ConfigMap'],
    ] as const)
      expect(get(apiVersion, kind, 'orders-db'), kind).toBeUndefined();
    for (const kind of ['Secret', 'PersistentVolumeClaim']) {
      expect(get('v1', kind, 'orders-db')?.metadata).toMatchObject({
        ownerReferences: [],
        annotations: { 'kplug.dev/retained-from': 'Capability.platform.example.org/default/orders' },
      });
    }

    askDatabase('orders', 'postgresql', '16');
    await start('orders-db');
    await expectReady('orders');
    expect(get('v1', 'Secret', 'orders-db')).toMatchObject({
      metadata: { uid: secret?.metadata.uid, ownerReferences: [{ kind: 'Capability', name: 'orders' }] },
      stringData: (secret as unknown as { stringData: object }).stringData,
    });
    expect(get('v1', 'PersistentVolumeClaim', 'orders-db')?.metadata).toMatchObject({
      uid: claim?.metadata.uid,
      ownerReferences: [{ kind: 'Capability', name: 'orders' }],
    });
  });

  it('are unavailable in other versions, and messaging until its plugin comes', async () => {
    askDatabase('orders', 'postgresql', '13');
    const reason = 'CapabilityUnavailable';
    const message = expect.stringContaining(
      "postgresql 13 isn't provided; postgresql 14 to 18 are, by Databases 1.0.0",
    );
    await expectCondition('orders', { status: 'False', reason, message });
    ask('queue', { category: 'messaging', type: 'nats' });
    await expectCondition('queue', { status: 'False', reason });

    await operator.serve(messaging('nats:{version}'));
    await bind('queue-nats');
    await start('queue-nats');
    await expectReady('queue');
    expect(describeContainers('queue-nats')).toEqual(['nats nats:2.12']);
    expect(capability('queue')?.status).toMatchObject({
      implementation: 'Messaging',
      host: 'queue-nats.default.svc',
      port: 4222,
      secretName: 'queue-nats',
    });
  });
});

it('components wait for the capabilities that they link to, and get their connection parameters', async () => {
  operator = await TestOperator.start(quick[1]);
  await operator.serve(components);
  const links = [{ apiVersion: platform, kind: 'Capability', name: 'orders' }];
  const component = { apiVersion: platform, kind: 'Component', metadata: { name: 'shop' } };
  operator.resources.apply({ ...component, spec: { image: 'shop:1', links } });
  ask('orders', { category: 'database', type: 'postgresql' });
  const reason = () => {
    const conditions = (get(platform, 'Component', 'shop')?.status?.conditions ?? []) as { type: string }[];
    return conditions.find(({ type }) => type === 'Ready');
  };
  await vi.waitFor(() => expect(reason()).toMatchObject({ reason: 'CapabilityNotReady' }), waitOptions);
  expect(get('apps/v1', 'Deployment', 'shop')).toBeUndefined();

  await report(platform, 'Capability', 'orders', {
    ...{ host: 'orders-db.default.svc', port: 5432, database: 'app', username: 'app', secretName: 'orders-db' },
    conditions: [{ type: 'Ready', status: 'True' }],
  });
  await report('apps/v1', 'Deployment', 'shop', {
    replicas: 1,
    updatedReplicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
    conditions: [{ type: 'Available', status: 'True' }],
  });
  await vi.waitFor(() => expect(reason()).toMatchObject({ status: 'True' }), waitOptions);
  expect(get('apps/v1', 'Deployment', 'shop')?.spec).toMatchObject({
    template: {
      spec: {
        containers: [
          {
            image: 'shop:1',
            env: [
              { name: 'DATABASE_HOST', value: 'orders-db.default.svc' },
              { name: 'DATABASE_PORT', value: '5432' },
              { name: 'DATABASE_NAME', value: 'app' },
              { name: 'DATABASE_USER', value: 'app' },
              { name: 'DATABASE_PASSWORD', valueFrom: { secretKeyRef: { name: 'orders-db', key: 'password' } } },
            ],
          },
        ],
      },
    },
  });
});

it('components find the capabilities that they need by labels, and keep them', async () => {
  operator = await TestOperator.start(quick[1]);
  await operator.serve(components);
  const needs = [{ category: 'database', type: 'postgresql', labels: { app: 'shop' } }];
  const component = { apiVersion: platform, kind: 'Component', metadata: { name: 'shop' } };
  operator.resources.apply({ ...component, spec: { image: 'shop:1', needs } });
  const status = () => get(platform, 'Component', 'shop')?.status;
  await vi.waitFor(() => {
    expect(status()?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'Ready',
        reason: 'CapabilityMissing',
        message: expect.stringMatching(
          /no Capability of the category database with postgresql has the labels app=shop$/,
        ),
      }),
    );
  }, waitOptions);

  const offer = async (name: string, type: string, labels: Record<string, string>) => {
    const spec = { category: 'database', type };
    operator.resources.apply({ apiVersion: platform, kind: 'Capability', metadata: { name, labels }, spec });
    await report(platform, 'Capability', name, {
      ...{ host: `${name}-db.default.svc`, port: 5432, secretName: `${name}-db` },
      conditions: [{ type: 'Ready', status: 'True' }],
    });
  };
  await offer('wiki', 'mariadb', { app: 'shop' });
  await offer('other', 'postgresql', { app: 'other' });
  await offer('orders', 'postgresql', { app: 'shop' });
  await vi.waitFor(() => expect(status()).toMatchObject({ bound: ['orders'] }), waitOptions);
  await offer('archive', 'postgresql', { app: 'shop' });
  await operator.controller.whenIdle();
  expect(status(), 'archive comes first in the alphabet').toMatchObject({ bound: ['orders'] });
  operator.resources.delete(key(platform, 'Capability', 'orders'));
  await vi.waitFor(() => expect(status()).toMatchObject({ bound: ['archive'] }), waitOptions);
  expect(get('apps/v1', 'Deployment', 'shop')?.spec).toMatchObject({
    template: { spec: { containers: [{ env: [{ name: 'DATABASE_HOST', value: 'archive-db.default.svc' }, {}, {}] }] } },
  });
});
