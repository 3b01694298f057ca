import {
  type ClusterObject,
  OwnControlPlane,
  ownDefinition,
  type StoredObject,
  startTimeout,
  TestCluster,
} from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { DelegationDeclaration } from '../delegation/declaration.ts';
import { type DelegationSettings, readDeclaration } from '../delegation/delegation-settings.ts';
import { Registry } from '../registry/registry.ts';
import { ManualClock, registrationOf } from '../registry/testing.ts';
import { FollowedCluster, soon } from '../resources/kubernetes/testing.ts';
import { admitAll } from '../selection/admission.ts';
import { type CatalogueOptions, CatalogueWriter } from './catalogue-writer.ts';

const apiVersion = 'catalogue.kplug.dev/v1alpha1';
const collection = `/apis/${apiVersion}/providedcapabilities`;
const quick = { settleTime: 10, writeInterval: 20, startGrace: 0, retention: 60_000 };

let plane: OwnControlPlane;
let cluster: TestCluster;

// Its own, as one test needs a cluster without the kind.
beforeAll(async () => {
  plane = await OwnControlPlane.start();
  cluster = await TestCluster.connect(plane.kubeConfig);
}, startTimeout);

afterAll(async () => {
  await cluster?.close();
  await plane?.stop();
});

const capabilities: DelegationDeclaration = {
  name: 'capabilities',
  base: { apiVersion: 'platform.example.org/v1', kind: 'Capability' },
  api: 'Capability@^1.0.0',
  capability: { categoryPath: '.spec.category', typePath: '.spec.type', versionPath: '.spec.version' },
};

/** Delegations that a test changes. */
class TestDelegations {
  #settings: DelegationSettings[] = [];
  #listener: () => void = () => undefined;

  set(...declarations: DelegationDeclaration[]): void {
    this.#settings = declarations.map((one) => readDeclaration(one, { admission: admitAll }));
    this.#listener();
  }

  onChange(listener: () => void): () => void {
    this.#listener = listener;
    return () => undefined;
  }

  *[Symbol.iterator]() {
    for (const settings of this.#settings) yield { settings } as never;
  }
}

/** Opens the catalogue of an operator in a namespace. */
async function open(operator: string, options: CatalogueOptions = quick) {
  const { resources, requests } = await FollowedCluster.open({ kubeConfig: cluster.kubeConfig, namespace: operator });
  const { catalogue: store } = resources.services;
  const clock = new ManualClock();
  const registry = new Registry({ clock });
  const delegations = new TestDelegations();
  delegations.set(capabilities);
  const log: string[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line).msg) });
  const writer = new CatalogueWriter({ registry, delegations, store, operator, log: logger }, options);
  onTestFinished(() => writer.stop());
  const writes = () => requests.filter(({ verb }) => verb === 'apply' || verb === 'delete').length;
  return { registry, clock, writer, delegations, log, writes };
}

/** Returns the registration of an instance that provides versions by type of the category database. */
function provider(types: Record<string, string[]>, given: Parameters<typeof registrationOf>[0] = {}) {
  const registration = registrationOf({ plugin: 'Databases', api: 'Capability', ...given });
  const provides = Object.entries(types).map(([type, versions]) => ({ category: 'database', type, versions }));
  return { ...registration, apis: registration.apis.map((api) => ({ ...api, provides })) };
}

const nameOf = (operator: string, type = 'postgresql') => `database.${type}.${operator}`;
const pathOf = (operator: string, type?: string) => `${collection}/${nameOf(operator, type)}`;

/** Returns an entry; `undefined` when it does not exist. */
async function get(operator: string, type?: string): Promise<StoredObject | undefined> {
  const path = `${collection}?fieldSelector=metadata.name%3D${nameOf(operator, type)}`;
  const { items } = await cluster.request<{ items: StoredObject[] }>('GET', path);
  return items[0];
}

async function names(operator: string): Promise<string[]> {
  const { items } = await cluster.request<{ items: ClusterObject[] }>(
    'GET',
    `${collection}?labelSelector=catalogue.kplug.dev/operator%3D${operator}`,
  );
  return items.map(({ metadata }) => metadata.name);
}

/** Waits for the status of an entry. */
function expectStatus(operator: string, status: object, type?: string): Promise<StoredObject> {
  return vi.waitFor(async () => {
    const stored = await get(operator, type);
    expect(stored?.status).toMatchObject(status);
    return stored as StoredObject;
  }, soon);
}

async function define(): Promise<void> {
  await cluster.define(await ownDefinition('provided-capability'));
}

describe('a cluster without the kind', () => {
  it('has no catalogue until the kind is installed, which is logged once there is something to list', async () => {
    const operator = await cluster.namespace();
    const { registry, writer, log } = await open(operator);
    await writer.start();
    expect(log).toEqual([]);
    registry.register(provider({ postgresql: ['17'] }));
    await vi.waitFor(() => expect(log).toHaveLength(1), soon);
    expect(log[0]).toMatch(/^capabilities can't be listed: the cluster has no kind ProvidedCapability/);
    await define();
    await expectStatus(operator, { available: 'True' });
  });
});

describe('the catalogue of capabilities', () => {
  beforeAll(define);

  it('says what can be asked for, in which kind, by whom it is provided, and whether it is available', async () => {
    const operator = await cluster.namespace();
    const { registry, writer, delegations } = await open(operator);
    delegations.set({ ...capabilities, namespaces: ['shop'], labels: { tier: 'gold' } });
    await writer.start();
    registry.register(provider({ postgresql: ['9.6', '16', '17'], mariadb: ['11.4'] }));
    registry.register(
      provider({ PostgreSQL: ['18'] }, { instanceId: 'two', address: '10.0.0.2:7000', plugin: 'Postgres' }),
    );
    const stored = await expectStatus(operator, { plugins: 'Databases 1.0.0, Postgres 1.0.0' });
    expect(stored).toMatchObject({
      spec: { category: 'database', type: expect.stringMatching(/^postgresql$/i), operator },
      status: {
        available: 'True',
        versions: '9.6, 16, 17, 18',
        kinds: 'Capability.platform.example.org',
        providers: [
          {
            plugin: 'Databases',
            version: '1.0.0',
            api: 'Capability@1.0.0',
            versions: ['9.6', '16', '17'],
            available: 'True',
            instances: '1/1',
            delegations: ['capabilities'],
          },
          { plugin: 'Postgres', versions: ['18'] },
        ],
        requestedBy: [
          {
            delegation: 'capabilities',
            apiVersion: 'platform.example.org/v1',
            kind: 'Capability',
            categoryPath: '.spec.category',
            typePath: '.spec.type',
            versionPath: '.spec.version',
            namespaces: ['shop'],
            labels: { tier: 'gold' },
          },
        ],
        conditions: [{ type: 'Available', status: 'True', reason: 'Provided' }],
      },
    });
    await expectStatus(operator, { versions: '11.4' }, 'mariadb');

    registry.markSuspect('two', 'Unreachable', 'it is silent');
    const left = await expectStatus(operator, {
      available: 'True',
      versions: '9.6, 16, 17',
      plugins: 'Databases 1.0.0',
    });
    expect(left.spec).toEqual(stored.spec);
    registry.markSuspect('one', 'Unreachable', 'it is silent');
    const condition = { type: 'Available', status: 'False', reason: 'NoLiveInstance' };
    await expectStatus(operator, { available: 'False', versions: '9.6, 16, 17, 18', conditions: [condition] });
  });

  it('keeps the spelling of a capability while plugins that spell it in other ways come and go', async () => {
    const operator = await cluster.namespace();
    const { registry, writer } = await open(operator);
    await writer.start();
    registry.register(provider({ PostgreSQL: ['17'] }));
    const { spec } = await expectStatus(operator, { versions: '17' });
    expect(spec).toMatchObject({ type: 'PostgreSQL' });
    registry.register(
      provider({ postgresql: ['18'] }, { instanceId: 'two', address: '10.0.0.2:7000', plugin: 'Other' }),
    );
    registry.evict('one', 'gone');
    expect((await expectStatus(operator, { versions: '18' })).spec).toEqual(spec);
  });

  it('is shown by kubectl in columns', async () => {
    const operator = await cluster.namespace();
    const { registry, writer } = await open(operator);
    await writer.start();
    registry.register(provider({ postgresql: ['16', '17'] }));
    await expectStatus(operator, { available: 'True' });
    const columns = await cluster.columns(pathOf(operator));
    expect(columns).toMatchObject({
      Category: 'database',
      Type: 'postgresql',
      Versions: '16, 17',
      Plugins: 'Databases 1.0.0',
      Kinds: 'Capability.platform.example.org',
      Available: 'True',
    });
  });

  it('lists nothing that no delegation would choose, so that plugins that are not admitted reach no users', async () => {
    const operator = await cluster.namespace();
    const { registry, writer, delegations } = await open(operator);
    const admitting = { ...capabilities, plugins: { from: [{ namespace: 'databases' }] } };
    delegations.set(admitting);
    await writer.start();
    const identityIn = (namespace: string) => ({ identity: { kind: 'serviceaccount', namespace, name: 'x' } as const });
    registry.register(provider({ postgresql: ['17'] }), identityIn('databases'));
    registry.register(
      provider({ stolen: ['1'] }, { instanceId: 'three', address: '10.0.0.3:7000', plugin: 'Stranger' }),
      identityIn('elsewhere'),
    );
    registry.register(
      provider({ mariadb: ['11.4'] }, { instanceId: 'two', address: '10.0.0.2:7000', apiVersion: '2.0.0' }),
      identityIn('databases'),
    );
    delegations.set({ ...admitting, name: 'others', capability: {} }, admitting);
    await expectStatus(operator, { requestedBy: [{ delegation: 'capabilities' }, { delegation: 'others' }] });
    expect(await names(operator)).toEqual([nameOf(operator)]);
  });

  it('is not written while nothing changes, and at a bounded rate while versions flap', async () => {
    const operator = await cluster.namespace();
    const { registry, writer, writes } = await open(operator, { ...quick, writeInterval: 600_000 });
    await writer.start();
    registry.register(provider({ postgresql: ['16'] }));
    await expectStatus(operator, { versions: '16' });
    await vi.waitFor(() => expect(writes()).toBe(1), soon);
    for (let count = 0; count < 20; count++) {
      registry.register(provider({ postgresql: count % 2 ? ['16'] : ['17'], [`other${count}`]: ['1'] }));
      // Each review writes the entries that are new.
      await expectStatus(operator, { available: 'True' }, `other${count}`);
    }
    await vi.waitFor(() => expect(writes()).toBe(21), soon);
    await expectStatus(operator, { versions: '16' });
  });

  it('undoes what others change in an entry or add to it, and creates a deleted one again', async () => {
    const operator = await cluster.namespace();
    const { registry, writer } = await open(operator);
    await writer.start();
    registry.register(provider({ postgresql: ['17'] }));
    const { status } = await expectStatus(operator, { versions: '17' });
    const foreign = { plugin: 'Evil', version: '1.0.0', api: 'A@1.0.0', versions: ['99'], available: 'True' };
    const added = { ...foreign, instances: '1/1', delegations: [] };
    for (const patch of [
      { status: { versions: '99' } },
      { status: { providers: [added] } },
      { status: { conditions: [] } },
      { spec: { type: 'mysql' } },
      { metadata: { labels: { 'catalogue.kplug.dev/type': null } } },
    ]) {
      await cluster.request('PATCH', pathOf(operator), patch, 'application/merge-patch+json');
      await vi.waitFor(async () => {
        const stored = await get(operator);
        expect(stored?.status).toEqual(status);
        expect(stored?.spec).toMatchObject({ type: 'postgresql' });
        expect(stored?.metadata.labels).toMatchObject({ 'catalogue.kplug.dev/type': 'postgresql' });
      }, soon);
    }
    await cluster.request('DELETE', pathOf(operator));
    await expectStatus(operator, { versions: '17' });
    const spec = { category: 'database', type: 'forged', operator };
    const forged = { apiVersion, kind: 'ProvidedCapability', metadata: { name: nameOf(operator, 'forged') }, spec };
    await cluster.request('POST', collection, forged);
    await vi.waitFor(async () => expect(await names(operator)).toEqual([nameOf(operator)]), soon);
  });

  it('lists what nobody provides any more as unavailable, and removes it after the retention time', async () => {
    const operator = await cluster.namespace();
    const { registry, writer } = await open(operator, { ...quick, retention: 2_500 });
    await writer.start();
    registry.register(provider({ postgresql: ['17'], mariadb: ['11.4'] }));
    await expectStatus(operator, { available: 'True' }, 'mariadb');
    await expectStatus(operator, { available: 'True' });
    registry.register(provider({ postgresql: ['17'] }));
    const condition = { type: 'Available', status: 'False', reason: 'NotProvided' };
    await expectStatus(operator, { available: 'False', versions: '11.4', conditions: [condition] }, 'mariadb');
    await vi.waitFor(async () => expect(await names(operator)).toEqual([nameOf(operator)]), soon);
  });

  it('keeps its entries over a restart while the plugins register again, and takes over those of the former process', async () => {
    const operator = await cluster.namespace();
    const first = await open(operator);
    await first.writer.start();
    first.registry.register(provider({ postgresql: ['17'], mariadb: ['11.4'] }));
    await expectStatus(operator, { available: 'True' });
    const before = await expectStatus(operator, { available: 'True' }, 'mariadb');
    await first.writer.stop();

    const second = await open(operator, { ...quick, startGrace: 2_000 });
    await second.writer.start();
    second.registry.register(provider({ redis: ['8'] }, { plugin: 'Redis', instanceId: 'redis' }));
    await expectStatus(operator, { available: 'True' }, 'redis');
    const listed = await Promise.all([get(operator), get(operator, 'mariadb')]);
    expect(listed.map((one) => one?.status?.available)).toEqual(['True', 'True']);
    second.registry.register(provider({ mariadb: ['11.4'] }, { instanceId: 'two' }));
    // The plugin that came back has its former entry; what did not come back is unavailable after the time of grace.
    await expectStatus(operator, { available: 'False' });
    expect((await get(operator, 'mariadb'))?.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  it('has entries of each operator, which write and remove only their own ones', async () => {
    const [here, there] = [await cluster.namespace(), await cluster.namespace()];
    const one = await open(here, { ...quick, retention: 0 });
    const other = await open(there, { ...quick, retention: 0 });
    await one.writer.start();
    await other.writer.start();
    one.registry.register(provider({ postgresql: ['17'] }));
    other.registry.register(provider({ postgresql: ['18'] }));
    await expectStatus(here, { versions: '17' });
    await expectStatus(there, { versions: '18' });
    one.registry.evict('one', 'gone');
    await vi.waitFor(async () => expect(await get(here)).toBeUndefined(), soon);
    await expectStatus(there, { versions: '18' });
    expect(other.writes()).toBe(1);
  });

  it('has at most the given number of entries, and keeps those that it has', async () => {
    const operator = await cluster.namespace();
    const { registry, writer, log } = await open(operator, { ...quick, maxEntries: 2 });
    await writer.start();
    registry.register(provider({ b: ['1'], c: ['1'] }));
    await expectStatus(operator, { available: 'True' }, 'b');
    await expectStatus(operator, { available: 'True' }, 'c');
    registry.register(provider({ a: ['1'], b: ['2'], c: ['1'] }));
    await expectStatus(operator, { versions: '2' }, 'b');
    expect(await names(operator)).toHaveLength(2);
    expect(log).toEqual([
      'plugins provide 3 capabilities, and ProvidedCapability resources list at most 2; raise catalogue.maxEntries',
    ]);
    // Capabilities that nobody provides any more make room.
    registry.register(provider({ d: ['1'], e: ['1'] }));
    await vi.waitFor(async () => {
      expect(await names(operator)).toEqual(['d', 'e'].map((type) => nameOf(operator, type)));
    }, soon);
  });
});
