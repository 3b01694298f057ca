import { beforeAll, describe, expect, vi } from 'vitest';
import { kplug } from './commands.ts';
import type { Pod } from './deployed-namespace.ts';
import { DeployedExample, meanwhile } from './example.ts';
import { walk } from './walk.ts';

const example = new DeployedExample();
const manifests = ['users', 'sessions'].map(
  (name) => new URL(`../../examples/database-table/manifests/${name}.yaml`, import.meta.url).pathname,
);

beforeAll(() => example.prepare());
const step = walk(example, () => example.remove());

describe('the example on a cluster', () => {
  step('is installed, and the only plugin is the fallback for the missing ones', async () => {
    await example.operator('replicas=2', 'heartbeat.interval=1s');
    await example.plugin('sqlite');
    await example.kubectl('apply', ...manifests.flatMap((file) => ['--filename', file]));
    await example.expectReady('users', 'SQLite');
    await example.expectReady('sessions', 'SQLite');
  });

  step('is shown by kubectl with its columns', async () => {
    const tables = (await example.kubectl('get', 'databasetables')).split('\n');
    expect(tables[0]?.split(/ +/)).toEqual(['NAME', 'IMPLEMENTATION', 'READY', 'AGE']);
    expect(tables[2]).toMatch(/^users +SQLite +True +\d+s$/);
    const wide = await example.kubectl('get', 'dbt', 'users', '--output=wide', '--no-headers');
    expect(wide).toMatch(/^users +SQLite +True +Ready +Fallback +MariaDB +\d+s/);
    const plugins = (await example.kubectl('get', 'plug')).split('\n');
    expect(plugins[0]?.trim().split(/ +/)).toEqual([
      'NAME',
      'IMPLEMENTATION',
      'VERSION',
      'APIS',
      'INSTANCES',
      'READY',
      'SOURCE',
      'LAST-SEEN',
      'AGE',
    ]);
    expect(plugins[1]).toMatch(/^sqlite-1\.0\.0 +SQLite +1\.0\.0 +DatabaseTable@1\.0\.0 +1\/1 +True +heartbeat /);
    const events = await example.kubectl('get', 'events.events.k8s.io', '--output=jsonpath={.items[*].reason}');
    expect(events).toContain('TableCreated');
  });

  step('has no problems according to kplug doctor', async () => {
    const diagnosis = await kplug('doctor', '--cluster', '--operator-namespace', example.namespace, '--output', 'json');
    const { findings } = JSON.parse(diagnosis) as { findings: { outcome: string; message: string }[] };
    expect(findings.filter(({ outcome }) => outcome === 'problem')).toEqual([]);
    expect(findings.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(10);
  });

  step('switches to the preferred plugin when that registers, which creates the table', async () => {
    await example.postgres();
    await example.plugin('postgresql');
    await example.preferPlugin('users', 'PostgreSQL');
    await example.expectReady('users', 'PostgreSQL');
    await example.expectReady('sessions', 'SQLite');
    const extension = await example.kubectl('get', 'dbtpg', 'users', '--no-headers');
    expect(extension, 'partitions and rows, as PostgreSQL counts them').toMatch(/^users +4 +0 +\d+ /);
  });

  step('uses the fallback while the plugin is scaled to 0, and then the preferred plugin again', async () => {
    await example.kubectl('scale', 'deployment/postgresql', '--replicas=0');
    await example.expectReady('users', 'SQLite');
    await example.kubectl('scale', 'deployment/postgresql', '--replicas=1');
    await example.expectReady('users', 'PostgreSQL');
  });

  step('replaces the instance of a pod that is deleted immediately by that of the new pod', async () => {
    const [former] = await example.pods('postgresql');
    const name = former?.metadata.name ?? '';
    await example.kubectl('delete', 'pod', name, '--grace-period=0', '--force');
    await vi.waitFor(
      async () => {
        const plugin = (await example.plugins()).find(({ spec }) => spec.plugin === 'PostgreSQL');
        const pods = plugin?.status?.instances?.filter(({ state }) => state === 'live').map(({ podName }) => podName);
        expect(pods).toHaveLength(1);
        expect(pods).not.toContain(name);
      },
      { timeout: 60_000, interval: 250 },
    );
    await example.expectReady('users', 'PostgreSQL');
  });

  step('upgrades a plugin while its table changes, without a failed pass and without another plugin', async () => {
    const before = await example.eventsOf('users');
    expect(before.join(), 'Events name the plugin version').toMatch(/ to PostgreSQL 1\.0\.0/);
    const changes = await meanwhile(
      () => example.plugin('postgresql', 'env.PLUGIN_VERSION=1.1.0'),
      async (round) => {
        await example.addColumn('users', `during_plugin_upgrade_${round}`);
        await example.expectReady('users', 'PostgreSQL');
      },
    );
    await example.expectReady('users', 'PostgreSQL', '1.1.0');
    expect(await example.columns('users', 'during_plugin_upgrade')).toHaveLength(changes);
    const since = (await example.eventsOf('users')).filter((event) => !before.includes(event));
    expect(since.filter((event) => / Warning | SQLite /.test(event))).toEqual([]);
  });

  step('upgrades the operator while tables change', async () => {
    const pods = (await example.pods('kplug')).map(({ metadata }) => metadata.name);
    const changes = await meanwhile(
      () => example.operator('replicas=2', 'heartbeat.interval=1s', 'podAnnotations.upgraded=yes'),
      (round) => example.addColumn('users', `during_operator_upgrade_${round}`),
    );
    await example.expectReady('users', 'PostgreSQL', '1.1.0');
    await example.expectReady('sessions', 'SQLite');
    expect(await example.columns('users', 'during_operator_upgrade')).toHaveLength(changes);
    expect(pods).not.toContain((await example.leader()).metadata.name);
  });

  step('continues with the standby operator when the pod of the leader is deleted immediately', async () => {
    const former = await example.leader();
    await example.kubectl('delete', 'pod', former.metadata.name, '--grace-period=0', '--force');
    await example.addColumn('users', 'after_the_leader');
    await example.expectReady('users', 'PostgreSQL', '1.1.0');
    const next = await example.leader();
    expect(next.metadata.uid).not.toBe(former.metadata.uid);
    await expectHeartbeatsTo(next.metadata.name);
  });

  step('continues when the leader crashes without releasing its Lease', async () => {
    const { metadata } = await example.leader();
    const lease = () => example.kubectl('get', 'lease', 'kplug', '--output=jsonpath={.spec.holderIdentity}');
    const former = await lease();
    await example.crash(metadata.name);
    expect(await lease(), 'the Lease was not released').toBe(former);
    await example.addColumn('users', 'after_the_crash');
    await example.expectReady('users', 'PostgreSQL', '1.1.0');
    expect(await lease()).not.toBe(former);
    await expectHeartbeatsTo((await example.leader()).metadata.name);
  });

  step('continues when containers are restarted in their pods', async () => {
    const leader = await example.leader();
    const [plugin] = await example.pods('postgresql');
    const names = [leader.metadata.name, plugin?.metadata.name ?? ''];
    const restarts = new Map([leader, plugin].map((pod) => [pod?.metadata.name, restartsOf(pod)]));
    for (const name of names) await example.kubectl('exec', name, '--', 'node', '-e', 'process.kill(1, "SIGTERM")');
    for (const name of names) {
      await vi.waitFor(
        async () => {
          const pod = [...(await example.pods('kplug')), ...(await example.pods('postgresql'))].find(
            ({ metadata }) => metadata.name === name,
          );
          expect(pod?.status.containerStatuses, name).toMatchObject([
            { restartCount: (restarts.get(name) ?? 0) + 1, ready: true },
          ]);
        },
        { timeout: 90_000, interval: 250 },
      );
    }
    await example.addColumn('users', 'after_the_restart');
    await example.expectReady('users', 'PostgreSQL', '1.1.0');
  });

  step('drops the tables of deleted resources, and releases the resources', async () => {
    await example.kubectl('delete', 'databasetables', '--all', '--timeout=60s');
    expect(await example.kubectl('get', 'databasetables', '--output=name')).toBe('');
  });
});

/** Waits until the heartbeat Service has one pod as its only endpoint. */
async function expectHeartbeatsTo(pod: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const selector = '--selector=kubernetes.io/service-name=kplug';
      expect(targetsOf(await example.kubectl('get', 'endpointslices', selector, '--output=json'))).toEqual([pod]);
    },
    { timeout: 30_000, interval: 250 },
  );
}

function restartsOf(pod: Pod | undefined): number {
  return pod?.status.containerStatuses?.[0]?.restartCount ?? 0;
}

/** Returns the pods in the endpoints of a Service. */
function targetsOf(slices: string): string[] {
  const { items } = JSON.parse(slices) as { items: { endpoints: { targetRef: { name: string } }[] | null }[] };
  return items.flatMap(({ endpoints }) => (endpoints ?? []).map(({ targetRef }) => targetRef.name));
}
