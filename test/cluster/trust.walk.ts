import { beforeAll, describe, expect, vi } from 'vitest';
import { DeployedNamespace, inRepository } from './deployed-namespace.ts';
import { DeployedExample, meanwhile } from './example.ts';
import { walk } from './walk.ts';

const example = new DeployedExample();
const stranger = new DeployedNamespace();
const waitOptions = { timeout: 90_000, interval: 250 };
const operator = ['replicas=2', 'heartbeat.interval=1s'];

beforeAll(async () => {
  await example.prepare();
  // `kubectl run` creates pods without a security context, which the restricted standard rejects.
  await stranger.create('baseline');
});

const step = walk(example, async () => {
  await stranger.remove();
  await example.remove();
});

describe('trust on a cluster', () => {
  step('needs no setup: operator and plugin prove to each other who they are', async () => {
    await example.operator(...operator);
    await example.plugin('sqlite');
    const users = inRepository('examples/database-table/manifests/users.yaml');
    await example.kubectl('apply', '--filename', users);
    await example.preferPlugin('users', 'SQLite');
    await example.expectReady('users', 'SQLite', '1.0.0');
    const identity = `serviceaccount:${example.namespace}/sqlite`;
    expect(await example.pluginInstances()).toMatchObject([
      { registration: { plugin: 'SQLite' }, identity, encrypted: true },
    ]);
  });

  step("refuses a stranger's plugin, says why, and hands it no resource", async () => {
    // The CA is public. A stranger needs it to send its token.
    const bundle = await example.kubectl('get', 'configmap', 'kplug-ca', '--output=jsonpath={.data.ca\\.crt}');
    await stranger.kubectl('create', 'configmap', 'kplug-ca', `--from-literal=ca.crt=${bundle}`);
    const controller = `kplug.${example.namespace}.svc:50050`;
    const values = inRepository('examples/database-table/deploy/sqlite-values.yaml');
    const better = ['env.PLUGIN_VERSION=9.9.9', 'weight=1000'];
    await stranger.install('thief', 'kplug-plugin', values, [`controller=${controller}`, ...better]);
    const plain = ['KPLUG_INSECURE=true', `KPLUG_CONTROLLER=${controller}`, 'PLUGIN_VERSION=9.9.8'];
    const env = plain.map((setting) => `--env=${setting}`);
    await stranger.kubectl('run', 'plain', '--image=kplug/database-table-sqlite:dev', ...env);

    await expectLog(
      'deployment/thief',
      new RegExp(`serviceaccount:${stranger.namespace}/thief may not be the plugin SQLite`),
    );
    await expectLog('pod/plain', /the operator requires TLS; set KPLUG_TLS_CA/);
    const refusals = await refused();
    expect(refusals).toMatchObject([
      {
        plugin: 'SQLite',
        version: '9.9.9',
        reason: 'REFUSAL_REASON_FORBIDDEN',
        message: expect.stringContaining('plugins.from') as string,
      },
    ]);

    await example.addColumn('users', 'while_strangers_try');
    await example.expectReady('users', 'SQLite', '1.0.0');
    expect(await example.pluginInstances()).toHaveLength(1);
  });

  step('restricts who reaches the ports, by NetworkPolicies', async () => {
    const { items } = await example.get<{ items: NetworkPolicy[] }>('networkpolicies');
    const rules = items.map(({ metadata, spec }) => [
      metadata.name,
      spec.ingress.map(({ ports, from }) => `${ports.map(({ port }) => port).join()} from ${from.length}`),
    ]);
    expect(Object.fromEntries(rules)).toEqual({
      kplug: ['heartbeat from 1', 'metrics from 2', 'admin from 1'],
      sqlite: ['grpc from 1'],
    });
  });

  step('renews its certificates and its CA while tables change, without a failed pass', async () => {
    const before = await example.eventsOf('users');
    const changes = await meanwhile(renewEverything, async (round) => {
      await example.addColumn('users', `during_renewal_${round}`);
      await example.expectReady('users', 'SQLite', '1.0.0');
    });
    expect(changes).toBeGreaterThan(10);
    const since = (await example.eventsOf('users')).filter((event) => !before.includes(event));
    expect(since.filter((event) => / Warning /.test(event))).toEqual([]);
    expect(await example.pluginInstances()).toHaveLength(1);
  });
});

interface NetworkPolicy {
  metadata: { name: string };
  spec: { ingress: { ports: { port: string | number }[]; from: object[] }[] };
}

/** Renews the certificates, then the CA and what it signs. The CA signs as soon as the plugin's pod has its bundle. */
async function renewEverything(): Promise<void> {
  const first = await secret();
  await patchSecret({ renew: 'certificates' });
  await expectSecret(({ data }) => data['server.crt'] !== first.data['server.crt'] && !data.renew);
  await patchSecret({ renew: 'ca' });
  await expectSecret(({ data }) => Boolean(data['next-ca.published']));
  const bundle = (await secret()).data['ca.crt'];
  const [pod] = await example.pods('sqlite');
  // A changed pod makes its kubelet update the files now, instead of within a minute or two.
  await example.kubectl('annotate', 'pod', pod?.metadata.name ?? '', 'example.com/update=now');
  const mounted = ['--', 'node', '-p', 'fs.readFileSync("/var/run/secrets/kplug/ca.crt", "base64")'];
  await vi.waitFor(
    async () => {
      const text = await example.kubectl('exec', pod?.metadata.name ?? '', ...mounted);
      expect(text.trim(), 'CA bundle in the pod').toBe(bundle);
    },
    { timeout: 150_000, interval: 1_000 },
  );
  // The operator waits for ten minutes, as it doesn't know how soon kubelets update the files.
  await patchSecret({ 'next-ca.published': new Date(Date.now() - 600_000).toISOString() });
  await expectSecret(({ data }) => !data['next-ca.published'] && data['ca.key'] !== first.data['ca.key']);
}

interface Secret {
  data: Record<string, string>;
}

const secret = () => example.get<Secret>('secret', 'kplug-tls');

function patchSecret(stringData: Record<string, string>): Promise<string> {
  return example.kubectl('patch', 'secret', 'kplug-tls', `--patch=${JSON.stringify({ stringData })}`);
}

/** Waits for the content of the Secret. Each operator checks it once a minute. */
function expectSecret(matches: (secret: Secret) => boolean): Promise<void> {
  return vi.waitFor(async () => expect(matches(await secret())).toBe(true), { timeout: 90_000, interval: 500 });
}

/** Waits until the log of a stranger matches. */
function expectLog(workload: string, expected: RegExp): Promise<void> {
  return vi.waitFor(async () => expect(await stranger.kubectl('logs', workload)).toMatch(expected), waitOptions);
}

async function refused(): Promise<object[]> {
  return (JSON.parse(await example.listPlugins('--refused')) as { refusals?: object[] }).refusals ?? [];
}
