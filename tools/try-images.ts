import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@kplug/testing/free-port';

/**
 * Tests the images of `pnpm build:image`, which must be built first. Each folder runs with only `node`: outside of the repository,
 * in an empty directory, without environment variables, as a user without write access. The operator must answer its probes and
 * delegate tables to the plugins, which must create them.
 */
const timeout = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'kplug-images-'));
const place = (name: string) => join(folder, name);
// PostgreSQL refuses to run as root, and root could write everywhere.
const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const children: { name: string; child: ChildProcess }[] = [];

function start(name: string, args: readonly string[], env: Record<string, string>): void {
  const image = place(`image/${name}`);
  const child = spawn(process.execPath, [image, ...args], { cwd: place('empty'), env, stdio: 'inherit', ...user });
  children.push({ name, child });
}

/** Waits for a condition; fails as soon as a process has ended. */
async function until(condition: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await holds())) {
    const ended = children.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
    if (ended) throw new Error(`${ended.name} ended with ${ended.child.exitCode ?? ended.child.signalCode}`);
    if (Date.now() > end) throw new Error(`timed out after ${timeout / 1000} s, waiting until ${condition}`);
    await sleep(100);
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Calls a service of the operator's admin port. */
async function ask(admin: string, method: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${admin}/kplug.v1.${method}`, { method: 'POST', headers, body: '{}' })).text();
}

interface Resources {
  resources: { readyReason: string }[];
}

/** Starts the operator's image with an unreachable cluster, which loads all modules for clusters. */
async function tryCluster(): Promise<void> {
  const clusters = [{ name: 'none', cluster: { server: 'https://127.0.0.1:1' } }];
  const contexts = [{ name: 'none', context: { cluster: 'none', user: 'none' } }];
  const users = [{ name: 'none', user: { token: 'none' } }];
  const kubeconfig = { apiVersion: 'v1', kind: 'Config', clusters, contexts, users, 'current-context': 'none' };
  writeFileSync(place('kubeconfig'), JSON.stringify(kubeconfig));
  const ports = ['grpc-bind-address', 'metrics-addr', 'health-probe-bind-address', 'admin-bind-address'];
  const args = ['--kubeconfig', place('kubeconfig'), ...ports.flatMap((port) => [`--${port}`, '127.0.0.1:0'])];
  const options = { cwd: place('empty'), env: {}, ...user };
  const operator = spawn(process.execPath, [place('image/operator'), ...args], options);
  let output = '';
  operator.stderr.on('data', (chunk) => {
    output += chunk;
  });
  try {
    await until('the operator reports that its cluster is unreachable', async () =>
      output.includes("can't be read from https://127.0.0.1:1"),
    );
  } catch (cause) {
    throw new Error(`the operator does not report that its cluster is unreachable, but: ${output}`, { cause });
  } finally {
    operator.kill();
  }
}

/** Manifest of a table that only the preferred plugin may create. */
function table(name: string, preferredImplementation: string): string {
  const spec = { serverName: 'test', preferredImplementation, columns: [{ name: 'id', type: 'uint64' }] };
  return JSON.stringify({ apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTable', metadata: { name }, spec });
}

try {
  cpSync('dist/image', place('image'), { recursive: true, verbatimSymlinks: true });
  for (const name of ['empty', 'manifests', 'sqlite', 'postgresql']) mkdirSync(place(name));
  chmodSync(folder, 0o755);
  for (const name of ['manifests', 'sqlite', 'postgresql']) chmodSync(place(name), 0o777);
  const base = { apiVersion: 'myorg.org/v1alpha1', kind: 'DatabaseTable' };
  const delegation = { name: 'tables', base, api: 'DatabaseTable@^1.0.0', selection: { fallback: 'none' } };
  writeFileSync(place('kplug.yaml'), JSON.stringify({ delegations: [delegation] }));
  writeFileSync(place('manifests/sqlite.yaml'), table('in-sqlite', 'SQLite'));
  writeFileSync(place('manifests/postgresql.yaml'), table('in-postgresql', 'PostgreSQL'));

  await tryCluster();
  const [heartbeat, admin, postgres] = [await freePort(), await freePort(), await freePort()];
  const addresses = ['--grpc-bind-address', `127.0.0.1:${heartbeat}`, '--admin-bind-address', `127.0.0.1:${admin}`];
  const what = ['--manifests', place('manifests'), '--config', place('kplug.yaml')];
  start('operator', [...what, ...addresses, '--log-level', 'warn', '--log-format', 'json'], {});
  const adminUrl = `http://127.0.0.1:${admin}`;
  await until('the operator answers its probes, and has a page', async () =>
    (await Promise.all(['healthz', 'readyz', 'metrics', ''].map((path) => answers(`${adminUrl}/${path}`)))).every(
      Boolean,
    ),
  );

  const password = 'in-a-test';
  const controller = { KPLUG_CONTROLLER: `127.0.0.1:${heartbeat}`, KPLUG_LOG_LEVEL: 'warn' };
  const data = { PGDATA: place('postgresql/data'), POSTGRES_PASSWORD: password, PGPORT: String(postgres) };
  start('postgresql-server', [], { ...data, TMPDIR: place('postgresql') });
  const client = { PGHOST: '127.0.0.1', PGPORT: String(postgres), PGUSER: 'postgres', PGPASSWORD: password };
  start('database-table-postgresql', [], { ...controller, ...client });
  start('database-table-sqlite', [], { ...controller, SQLITE_DIRECTORY: place('sqlite') });
  start('database-table-mariadb', [], controller);
  await until('all three plugins are registered', async () => {
    const listed = await ask(adminUrl, 'RegistryService/ListPlugins');
    return ['SQLite', 'PostgreSQL', 'MariaDB'].every((name) => listed.includes(`"${name}"`));
  });
  await until('both tables are ready', async () => {
    const { resources } = JSON.parse(await ask(adminUrl, 'DelegationService/ListResources')) as Resources;
    return resources.length === 2 && resources.every(({ readyReason }) => readyReason === 'Ready');
  });
  if (!existsSync(place('sqlite/test.sqlite'))) throw new Error('the SQLite plugin was called and created no file');
  console.log('the images work');
} finally {
  for (const { child } of children.reverse()) {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
}
