import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { ActionService, DelegationService, InstanceState, RegistryService, ResourceState } from '@kplug/protocol';
import { type RunningProcess, startKplug } from '@kplug/testing/kplug';
import { beforeAll, describe, expect, vi } from 'vitest';
import { kubectl } from './commands.ts';
import { inRepository } from './deployed-namespace.ts';
import { DeployedExample } from './example.ts';
import { walk } from './walk.ts';
import { writeUser } from './write-user.ts';

const waitOptions = { timeout: 90_000, interval: 250 };
const deployed = new DeployedExample();
const { namespace } = deployed;
const definitions = inRepository('examples/database-table/deploy/crds.yaml');

let folder: string;
let kubeconfig: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-test-'));
  await deployed.load('operator', 'database-table-sqlite');
  await kubectl('apply', '--server-side', '--force-conflicts', '--filename', definitions);
  await deployed.create();
});

const step = walk(deployed, async () => {
  await deployed.remove();
  await rm(folder, { recursive: true });
});

async function applyTable(name: string): Promise<void> {
  const spec = { serverName: 'any', preferredImplementation: 'SQLite', columns: [{ name: 'id', type: 'uint64' }] };
  const file = join(folder, `${name}.json`);
  await writeFile(
    file,
    JSON.stringify({ apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTable', metadata: { name }, spec }),
  );
  await deployed.kubectl('apply', '--filename', file);
}

/** Starts `kplug ui` as the user, and returns its URL and clients of the services behind it. */
async function open(...options: string[]) {
  const args = ['ui', '--cluster', '--no-open', '--port', '0', '--operator-namespace', namespace, ...options];
  const command: RunningProcess = startKplug(args, { env: { KUBECONFIG: kubeconfig } });
  await vi.waitFor(() => expect(command.stderr).toContain('Press Ctrl-C to end'), waitOptions);
  const url = command.stdout.trim();
  const transport = createConnectTransport({ baseUrl: url, httpVersion: '1.1' });
  return {
    [Symbol.asyncDispose]: () => command[Symbol.asyncDispose](),
    command,
    url,
    actions: createClient(ActionService, transport),
    delegations: createClient(DelegationService, transport),
    registry: createClient(RegistryService, transport),
  };
}

describe('the page on a cluster', () => {
  step('is served by kplug ui, and says why a table is not ready', async () => {
    await deployed.operator('admin.actions.enabled=true');
    await applyTable('users');
    kubeconfig = await writeUser(deployed, folder, 'reader');
    const account = `--serviceaccount=${namespace}:reader`;
    await deployed.kubectl('create', 'role', 'forward', '--verb=get,list,create', '--resource=pods,pods/portforward');
    await deployed.kubectl('create', 'rolebinding', 'forward', '--role=forward', account);
    await using page = await open();
    const answer = await fetch(page.url);
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
    const script = /src="([^"]+\.js)"/.exec(await answer.text())?.[1] ?? '';
    expect((await fetch(new URL(script, page.url))).headers.get('content-type')).toContain('javascript');
    const table = { kind: 'databasetables', namespace, name: 'users' };
    await vi.waitFor(async () => {
      const { diagnosis } = await page.delegations.traceResource(table);
      expect(diagnosis).toMatchObject({ state: ResourceState.WAITING, reason: 'NoPlugin' });
      expect(diagnosis?.summary).toContain('No plugin of the API DatabaseTable is registered');
    }, waitOptions);
  });

  step('follows its streams from one leader to the next', async () => {
    await deployed.plugin('sqlite');
    await deployed.expectReady('users', 'SQLite');
    await using page = await open();
    const states = async () => {
      for await (const { delegations } of page.delegations.watchSummary({})) {
        if (delegations[0]?.ready === 1) return delegations[0];
      }
      return undefined;
    };
    await vi.waitFor(async () => expect(await states()).toMatchObject({ name: 'tables', total: 1 }), waitOptions);
    const { metadata } = await deployed.leader();
    await deployed.kubectl('delete', 'pod', metadata.name, '--wait=false');
    await vi.waitFor(() => expect(page.command.stderr).toContain('which leads now'), waitOptions);
    await vi.waitFor(async () => expect(await states()).toMatchObject({ name: 'tables', total: 1 }), waitOptions);
  });

  step('drains an instance for a user with the right, by the token of that user', async () => {
    await using reading = await open();
    expect(await reading.actions.getActions({})).toMatchObject({ drain: false });
    await using page = await open('--allow-actions');
    const denied = await page.actions.getActions({});
    expect(denied.drain).toBe(false);
    expect(denied.message).toContain('may not update plugins/drain');
    const account = `--serviceaccount=${namespace}:reader`;
    await deployed.kubectl('create', 'rolebinding', 'drain', '--role=kplug-drain', account);
    await vi.waitFor(async () => expect(await page.actions.getActions({})).toMatchObject({ drain: true }), waitOptions);
    const { instances } = await page.registry.listPlugins({});
    const [instanceId = ''] = instances.map(({ registration }) => registration?.instanceId);
    await page.actions.drainInstance({ instanceId });
    await vi.waitFor(async () => {
      const { instances: now } = await page.registry.listPlugins({});
      const drained = now.find(({ registration }) => registration?.instanceId === instanceId);
      // Its pod stops, and starts another instance.
      expect(drained?.state ?? InstanceState.GONE).not.toBe(InstanceState.LIVE);
    }, waitOptions);
    await deployed.expectReady('users', 'SQLite');
  });
});
