import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, Outcome, PluginService } from '@kplug/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../databases/server-process.ts';

const base = {
  apiVersion: 'myorg.org/v1alpha1',
  kind: 'DatabaseTable',
  metadata: { name: 'users', uid: '1', generation: 1 },
};
const encode = (resource: object) => ({ json: Buffer.from(JSON.stringify(resource)) });

it.each([
  { name: 'PostgreSQL', file: 'postgresql.ts', nowhere: { PGHOST: '127.0.0.1', PGPORT: '1', DATABASE_URL: '' } },
  {
    name: 'MariaDB',
    file: 'mariadb.ts',
    nowhere: { MARIADB_HOST: '127.0.0.1', MARIADB_PORT: '1', MARIADB_SOCKET: '' },
  },
  { name: 'SQLite', file: 'sqlite.ts', nowhere: { SQLITE_DIRECTORY: join(tmpdir(), 'kplug-missing') } },
])('$name is a process that serves DatabaseTable', async ({ name, file, nowhere }) => {
  const plugin = await start(file, { ...nowhere, PLUGIN_VERSION: '1.2.3' });
  const info = await plugin.client.getInfo({});
  expect(info).toMatchObject({ plugin: name, version: '1.2.3', apis: [{ name: 'DatabaseTable', version: '1.0.0' }] });
  expect(info.apis[0]?.extensionKinds).toMatchObject([
    { kind: expect.stringMatching(new RegExp(`^DatabaseTable${name}`, 'i')) },
  ]);

  const columns = [{ name: 'id', type: 'uint64' }];
  const unavailable = await plugin.client.reconcile({
    base: encode({ ...base, spec: { serverName: 'test', columns } }),
  });
  expect(unavailable).toMatchObject({ outcome: Outcome.RETRY, messages: [{ reason: 'DatabaseUnavailable' }] });

  const invalid = await plugin.client.reconcile({
    base: encode({ ...base, spec: { serverName: 'test', columns: [] } }),
  });
  expect(invalid).toMatchObject({ outcome: Outcome.TERMINAL, messages: [{ reason: 'InvalidSpec' }] });
  expect(invalid.messages[0]?.text).toContain('.spec.columns: must have at least one column');

  plugin.process.kill('SIGTERM');
  expect(await plugin.exit).toEqual([0, null]);
});

it('returns the statuses of the table and of its extension', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kplug-sqlite-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const { client } = await start('sqlite.ts', { SQLITE_DIRECTORY: directory, DATABASE_TABLE_CHECK_INTERVAL: '1500' });
  const kind = 'DatabaseTableSqliteExtension';
  const key = `myorg.org/v1alpha1/${kind}//users`;
  const response = await client.reconcile({
    base: encode({ ...base, spec: { serverName: 'test', columns: [{ name: 'id', type: 'uint64' }] } }),
    extensions: { [key]: encode({ ...base, kind, spec: { withoutRowId: true } }) },
  });
  expect(response).toMatchObject({
    outcome: Outcome.SUCCESS,
    requeueAfter: { seconds: 1n, nanos: 500_000_000 },
    events: [{ reason: 'TableCreated' }],
  });
  const statuses = [response.baseStatus, response.extensionStatuses[key]];
  expect(statuses.map((status) => JSON.parse(Buffer.from(status ?? []).toString()))).toMatchObject([
    { table: { database: 'SQLite', name: 'users', options: { withoutRowId: true } } },
    { rows: 0, file: join(directory, 'test.sqlite') },
  ]);
});

it('does not start with an invalid interval', async () => {
  const { exit } = spawnPlugin('sqlite.ts', { DATABASE_TABLE_CHECK_INTERVAL: 'often' });
  expect(await exit).toEqual([1, null]);
});

async function start(file: string, env: Record<string, string>) {
  const address = `127.0.0.1:${await freePort()}`;
  const plugin = spawnPlugin(file, { ...env, KPLUG_BIND_ADDRESS: address });
  const client = createGrpcClient(PluginService, address, grpc.credentials.createInsecure());
  onTestFinished(() => client.$client.close());
  await new Promise<void>((resolve, reject) => {
    client.$client.waitForReady(Date.now() + 20_000, (error) => (error ? reject(error) : resolve()));
  });
  return { ...plugin, client };
}

function spawnPlugin(file: string, env: Record<string, string>) {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [script], { env: { ...process.env, ...env }, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { process: child, exit: once(child, 'exit') };
}
