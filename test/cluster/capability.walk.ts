import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, vi } from 'vitest';
import { kplug, kubectl } from './commands.ts';
import { DeployedNamespace, inRepository } from './deployed-namespace.ts';
import { StaticVolumes } from './static-volumes.ts';
import { walk } from './walk.ts';

const waitOptions = { timeout: 90_000, interval: 250 };
const deployed = new DeployedNamespace();
const { namespace } = deployed;
const volumes = new StaticVolumes(`${namespace}-volumes`, 'kplug/postgresql-17:dev');
const file = (name: string) => inRepository(`examples/capability/${name}`);

/** Fields of a capability that the walkthrough uses. */
interface Capability {
  metadata: { generation: number };
  status?: {
    capability?: { version: string };
    host?: string;
    port?: number;
    secretName?: string;
    dependentsReady?: string;
    conditions?: { type: string; status: string; reason: string; message: string; observedGeneration: number }[];
  };
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-test-'));
  await deployed.load('operator', 'capability-databases', 'capability-messaging', 'capability-components');
  await deployed.load('postgresql-16', 'postgresql-17', 'nats-2.12');
  await deployed.create();
  await volumes.create(3);
});

const step = walk(deployed, async () => {
  await deployed.kubectl('delete', 'capabilities,components', '--all', '--timeout=60s');
  await deployed.kubectl('delete', 'secrets,persistentvolumeclaims', '--selector=app.kubernetes.io/instance');
  await deployed.remove();
  await kubectl('delete', 'providedcapabilities', `--selector=catalogue.kplug.dev/operator=${namespace}`);
  await volumes.remove();
  await rm(folder, { recursive: true });
});

const apply = (name: string) => deployed.kubectl('apply', '--filename', file(name));
const patchVersion = (name: string, version: string) =>
  deployed.kubectl('patch', 'capability', name, '--type=merge', `--patch=${JSON.stringify({ spec: { version } })}`);
const uidOf = async (...object: string[]) =>
  (await deployed.get<{ metadata: { uid: string } }>(...object)).metadata.uid;

/** Waits for the condition `Ready` of the current generation of a capability, and returns the capability. */
function expectCondition(name: string, expected: object): Promise<Capability> {
  return vi.waitFor(async () => {
    const capability = await deployed.get<Capability>('capability', name);
    const ready = capability.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready, name).toMatchObject({ observedGeneration: capability.metadata.generation, ...expected });
    return capability;
  }, waitOptions);
}

/** Waits for a line in the log of the component. */
function expectStarts(count: number): Promise<void> {
  return vi.waitFor(async () => {
    const log = await deployed.kubectl('logs', 'deployment/shop');
    expect(log).toMatch(new RegExp(`^ +starts *\\n-+\\n +${count}$`, 'm'));
  }, waitOptions);
}

describe('the example of capabilities on a cluster', () => {
  step(
    'applies Secret, volume, ConfigMap, StatefulSet and Service, and reports the connection parameters',
    async () => {
      await kubectl('apply', '--server-side', '--force-conflicts', '--filename', file('deploy/kinds.yaml'));
      const image = 'plugins[0].env.POSTGRESQL_IMAGE=kplug/postgresql-{version}:dev';
      await deployed.installOperator(file('deploy/operator-values.yaml'), image);
      await apply('manifests/orders.yaml');
      const { status } = await expectCondition('orders', { status: 'True' });
      expect(status).toMatchObject({ dependentsReady: '5/5', host: `orders-db.${namespace}.svc`, port: 5432 });
      const created = await Promise.all(
        ['secret', 'persistentvolumeclaim', 'configmap', 'statefulset', 'service'].map(async (kind) => {
          const { metadata } = await deployed.get<{ metadata: { creationTimestamp: string } }>(kind, 'orders-db');
          return metadata.creationTimestamp;
        }),
      );
      expect(created).toEqual(created.toSorted());
    },
  );

  step('runs two versions side by side, as kubectl and kplug show', async () => {
    await apply('manifests/reports.yaml');
    await expectCondition('reports', { status: 'True' });
    const [header = '', ...lines] = (await deployed.kubectl('get', 'capabilities')).trimEnd().split('\n');
    expect(header.split(/ +/)).toEqual(['NAME', 'TYPE', 'VERSION', 'READY', 'DEPENDENTS', 'PLUGIN', 'AGE']);
    expect(lines[0]).toMatch(/^orders +postgresql +16 +True +5\/5 +Databases +\d+/);
    expect(lines[1]).toMatch(/^reports +postgresql +17 +True +5\/5 +Databases +\d+/);
    const catalogue = await kplug('capabilities', '--cluster', '--operator-namespace', namespace);
    expect(catalogue).toMatch(/^database +mariadb +10\.11, 11\.4 +Databases +1\.0\.0 +Capability +1\/1$/m);
    expect(catalogue).toMatch(/^database +postgresql +14, 15, 16, 17, 18 +Databases +1\.0\.0 +Capability +1\/1$/m);
  });

  step('lists what can be asked for, for developers without rights on the operator', async () => {
    const developer = ['--as=developer', '--as-group=system:authenticated'];
    const listed = await vi.waitFor(async () => {
      const selector = `--selector=catalogue.kplug.dev/operator=${namespace}`;
      const table = await kubectl('get', 'providedcapabilities', selector, ...developer);
      expect(table).toMatch(/ postgresql /);
      return table.trimEnd().split('\n');
    }, waitOptions);
    const [header = '', ...lines] = listed.map((line) => line.split(/ {2,}/));
    expect(header).toEqual(['NAME', 'CATEGORY', 'TYPE', 'VERSIONS', 'PLUGINS', 'KINDS', 'AVAILABLE']);
    const kinds = 'Capability.platform.example.org';
    expect(lines).toEqual([
      [`database.mariadb.${namespace}`, 'database', 'mariadb', '10.11, 11.4', 'Databases 1.0.0', kinds, 'True'],
      [
        `database.postgresql.${namespace}`,
        ...['database', 'postgresql', '14, 15, 16, 17, 18', 'Databases 1.0.0', kinds, 'True'],
      ],
    ]);
    const explained = await kubectl('explain', 'providedcapabilities.status.requestedBy.versionPath', ...developer);
    expect(explained).toContain('Field of a resource that states the version');
    const described = await kubectl('describe', 'providedcapability', `database.postgresql.${namespace}`, ...developer);
    expect(described).toMatch(/Instances: +1\/1/);
    const mayWrite = kubectl('auth', 'can-i', 'delete', 'providedcapabilities', ...developer);
    await expect(mayWrite).rejects.toThrow();
  });

  step('gives a component the connection parameters of the capability that it links to', async () => {
    const manifest = (await readFile(file('manifests/shop.yaml'), 'utf8')).replace(
      'image: postgres:17',
      'image: kplug/postgresql-17:dev',
    );
    await writeFile(join(folder, 'shop.yaml'), manifest);
    await deployed.kubectl('apply', '--filename', join(folder, 'shop.yaml'));
    await expectStarts(1);
  });

  step('upgrades a database with its data when the version changes', async () => {
    const password = await uidOf('secret', 'orders-db');
    await patchVersion('orders', '17');
    const { status } = await expectCondition('orders', { status: 'True' });
    expect(status).toMatchObject({ capability: { version: '17' }, dependentsReady: '5/5' });
    expect(await uidOf('secret', 'orders-db')).toBe(password);
    await deployed.kubectl('rollout', 'restart', 'deployment/shop');
    await expectStarts(2);
  });

  step('refuses a downgrade, and a version that is not provided', async () => {
    await patchVersion('orders', '16');
    await expectCondition('orders', { status: 'False', reason: 'DowngradeRefused' });
    await patchVersion('orders', '19');
    const message = "postgresql 19 isn't provided; postgresql 14 to 18 are, by Databases 1.0.0";
    await expectCondition('orders', { reason: 'CapabilityUnavailable', message: expect.stringContaining(message) });
    await patchVersion('orders', '17');
    await expectCondition('orders', { status: 'True' });
  });

  step('keeps the data of a deleted capability, which uses it again when it comes back', async () => {
    const claim = await uidOf('persistentvolumeclaim', 'orders-db');
    await deployed.kubectl('delete', 'capability', 'orders', '--timeout=60s');
    const left = await deployed.kubectl(
      'get',
      'service,statefulset,configmap,persistentvolumeclaim,secret',
      '--selector=app.kubernetes.io/instance=orders-db',
      '--output=name',
    );
    expect(left.trim().split('\n')).toEqual(['persistentvolumeclaim/orders-db', 'secret/orders-db']);
    // The manifest has the version before the upgrade, which must not create another database beside the data.
    await apply('manifests/orders.yaml');
    await vi.waitFor(async () => {
      const log = await deployed.kubectl('logs', 'orders-db-0', '--container=prepare');
      expect(log).toContain('the volume has data of PostgreSQL 17; ask for that version first');
    }, waitOptions);
    await expectCondition('orders', { status: 'False', reason: 'DependentsNotReady' });
    await patchVersion('orders', '17');
    await expectCondition('orders', { status: 'True' });
    expect(await uidOf('persistentvolumeclaim', 'orders-db')).toBe(claim);
    await deployed.kubectl('rollout', 'restart', 'deployment/shop');
    await expectStarts(3);
  });

  step('serves another category by another plugin, as soon as that is installed', async () => {
    await apply('manifests/queue.yaml');
    await expectCondition('queue', { status: 'False', reason: 'CapabilityUnavailable' });
    const settings = [`controller=kplug.${namespace}.svc:50050`, 'env.NATS_IMAGE=kplug/nats-{version}:dev'];
    await deployed.install('messaging', 'kplug-plugin', file('deploy/messaging-values.yaml'), settings);
    const { status } = await expectCondition('queue', { status: 'True' });
    expect(status).toMatchObject({ host: `queue-nats.${namespace}.svc`, port: 4222, secretName: 'queue-nats' });
    expect(await deployed.kubectl('logs', 'queue-nats-0')).toContain('Listening for client connections');
  });
});
