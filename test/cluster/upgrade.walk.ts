import { join, resolve } from 'node:path';
import { beforeAll, describe, expect } from 'vitest';
import { inRepository } from './deployed-namespace.ts';
import { DeployedExample, meanwhile } from './example.ts';
import { walk } from './walk.ts';

// The version to upgrade from: a checkout with built images in KPLUG_FORMER, else this version without TLS and tokens.
const former = process.env.KPLUG_FORMER && resolve(process.env.KPLUG_FORMER);
const formerOperator = former ? ['image.tag=former'] : ['heartbeat.insecure=true'];
const formerPlugin = former ? ['image.tag=former'] : ['insecure=true'];
const operator = ['replicas=2', 'heartbeat.interval=1s'];

/** Step of an upgrade: the release, and the settings of this version. */
type Upgrade = ['operator' | 'plugin', ...string[]];

const orders: [string, Upgrade[]][] = [
  [
    'the operator first',
    [['operator', 'heartbeat.insecure=true'], ['plugin', 'env.PLUGIN_VERSION=1.1.0'], ['operator']],
  ],
  [
    'the plugin first',
    [
      ['plugin', 'insecure=true', 'env.PLUGIN_VERSION=1.1.0'],
      ['operator', 'heartbeat.insecure=true'],
      ['plugin', 'env.PLUGIN_VERSION=1.2.0'],
      ['operator'],
    ],
  ],
];

describe.each(orders)('an installation without TLS and tokens, upgraded with %s', (_, upgrades) => {
  const example = new DeployedExample();
  beforeAll(async () => {
    await example.prepare();
    if (former) await example.loadFrom(former, 'former', 'operator', 'database-table-postgresql');
  });
  const step = walk(example, () => example.remove());

  step('reconciles a table', async () => {
    if (former) example.charts = join(former, 'charts');
    await example.postgres();
    await example.operator(...operator, ...formerOperator);
    await example.plugin('postgresql', ...formerPlugin);
    await example.kubectl('apply', '--filename', inRepository('examples/database-table/manifests/users.yaml'));
    await example.preferPlugin('users', 'PostgreSQL');
    await example.expectReady('users', 'PostgreSQL', '1.0.0');
    example.charts = inRepository('charts');
  });

  for (const [index, [release, ...settings]] of upgrades.entries()) {
    const change = `the ${release} ${settings.join(' ') || 'with secure defaults'}`;
    step(`has no failed pass while it is upgraded to ${change}`, async () => {
      const before = await example.eventsOf('users');
      const prefix = `upgrade_${index}_`;
      const changes = await meanwhile(
        () =>
          release === 'operator'
            ? example.operator(...operator, ...settings)
            : example.plugin('postgresql', ...settings),
        async (round) => {
          await example.addColumn('users', `${prefix}${round}`);
          await example.expectReady('users', 'PostgreSQL');
        },
      );
      await example.addColumn('users', `${prefix}after`);
      await example.expectReady('users', 'PostgreSQL');
      expect(await example.columns('users', prefix)).toHaveLength(changes + 1);
      const since = (await example.eventsOf('users')).filter((event) => !before.includes(event));
      expect(since.filter((event) => / Warning /.test(event))).toEqual([]);
    });
  }

  step('uses TLS and proven identities in the end', async () => {
    const [plugin] = (await example.pluginInstances()).filter(({ state }) => state === 'INSTANCE_STATE_LIVE');
    expect(plugin).toMatchObject({ identity: `serviceaccount:${example.namespace}/postgresql`, encrypted: true });
  });
});
