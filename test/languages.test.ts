import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { createToken, revokeToken } from '@kplug/controller/tools';
import { type PluginProgram, reference, startPluginProgram, TestOperator } from '@kplug/testing';
import { callerUri, TestCa } from '@kplug/testing/certificates';
import { FakeRegistry } from '@kplug/testing/fake-registry';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildGoPluginFor } from '../tools/languages/go.ts';
import { buildJavaPluginFor } from '../tools/languages/java.ts';
import { installPythonFor } from '../tools/python/environment.ts';

// In CI, a missing toolchain is a failure.
const what = 'the tests of plugins';
const examples = join(import.meta.dirname, '../examples');
const [python, go, java] = await Promise.all([
  installPythonFor(`${what} in Python`),
  buildGoPluginFor(`${what} in Go`),
  buildJavaPluginFor(`${what} in Java`),
]);
const commands: Record<string, string[] | undefined> = {
  TypeScript: [process.execPath, join(examples, 'database-table/plugins/sqlite.ts')],
  Python: python ? [python, join(examples, 'plugins/python/plugin.py')] : undefined,
  Go: go,
  Java: java,
};
const available = Object.entries(commands).flatMap(([language, command]) => (command ? [{ language, command }] : []));
const ofProcesses = available.filter(({ language }) => ['Go', 'Java'].includes(language));

const waitOptions = { timeout: 20_000, interval: 20 };
const kind = 'DatabaseTableSqliteExtension';
const delegation = { api: 'DatabaseTable@^1.0.0' };
const lease = { interval: 500, ttl: 5_000 };

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-languages-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function open(directory: string): DatabaseSync {
  const database = new DatabaseSync(join(directory, 'main.sqlite'), { timeout: 5_000 });
  onTestFinished(() => database.close());
  return database;
}

/** Applies a table with an extension, in whose status the plugin reports its file. */
function apply(operator: TestOperator, name: string, columns: string[], spec: Record<string, string> = {}): void {
  operator.extension(kind, name, { strict: true });
  operator.table(name, {
    serverName: 'main',
    columns: columns.map((column) => ({ name: column, type: 'int64' })),
    extensions: [reference(kind, name)],
    ...spec,
  });
}

/** Returns the folder of the file of a table, as the plugin reported it. */
function folderOf(operator: TestOperator, name: string): string {
  return dirname(String(operator.get(name, kind)?.status?.file));
}

async function kill(plugin: PluginProgram | undefined): Promise<void> {
  plugin?.process.kill('SIGKILL');
  await plugin?.exited();
}

describe.each(available)('the example in $language', ({ command }) => {
  it.each(['localhost', '127.0.0.1', '[::1]'])('is called if it sends heartbeats to %s', async (host) => {
    const operator = await TestOperator.start(delegation, { lease, heartbeatAddress: 'localhost:0' });
    const port = operator.controller.heartbeatAddress.split(':').at(-1);
    const env = { SQLITE_DIRECTORY: temporaryFolder(), KPLUG_CONTROLLER: `${host}:${port}` };
    await startPluginProgram(operator.controller, command, env);
    apply(operator, 'users', ['id']);
    await operator.expectReady('users', 'SQLite');
  });

  it('creates, alters and drops tables', async () => {
    const directory = temporaryFolder();
    const operator = await TestOperator.start(delegation, { lease });
    const env = { SQLITE_DIRECTORY: directory, DATABASE_TABLE_CHECK_INTERVAL: '100' };
    await startPluginProgram(operator.controller, command, env);
    apply(operator, 'users', ['id']);
    await operator.expectReady('users', 'SQLite');
    const database = open(directory);
    database.exec('INSERT INTO users VALUES (7)');
    apply(operator, 'users', ['id', 'age']);
    await operator.expectReady('users', 'SQLite');
    expect(database.prepare('SELECT * FROM users').all()).toMatchObject([{ id: 7, age: null }]);
    await vi.waitFor(() => expect(operator.get('users', kind)?.status).toMatchObject({ rows: 1 }), waitOptions);
    expect(operator.get('users')?.status).toMatchObject({
      table: { database: 'SQLite', name: 'users', columns: [{ name: 'id', type: 'INTEGER' }, { name: 'age' }] },
    });

    database.exec('ALTER TABLE users DROP COLUMN age');
    const columns = () => database.prepare('SELECT name FROM pragma_table_info(?)').all('users');
    await vi.waitFor(() => expect(columns()).toMatchObject([{ name: 'id' }, { name: 'age' }]), waitOptions);

    operator.table('users', { serverName: 'main', columns: [{ name: 'id', type: 'money' }] });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'UnsupportedColumnType' });
    operator.table('users', { serverName: 'main' });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidSpec' });
    operator.table('users', { serverName: 'main', columns: [{ name: 'id', type: 'int64', size: 3 }] });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidSpec' });
    apply(operator, 'users', ['id']);
    operator.extension(kind, 'users', { strict: 'very' });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidSpec' });
    operator.extension(kind, 'users', { strict: false });
    await operator.expectReady('users', 'SQLite');
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()).toEqual([]);
  });
});

describe.each(available.filter(({ language }) => language !== 'TypeScript'))(
  'the example in $language, with an image of Datasette',
  ({ command }) => {
    it('has dependents that become ready in order, and a Secret that is generated once', async () => {
      const kinds = [
        { apiVersion: 'v1', kind: 'Secret', allowPrivileged: true },
        { apiVersion: 'apps/v1', kind: 'Deployment' },
        { apiVersion: 'v1', kind: 'Service' },
      ];
      const operator = await TestOperator.start({ ...delegation, dependents: { kinds } }, { lease });
      const env = { SQLITE_DIRECTORY: temporaryFolder(), DATASETTE_IMAGE: 'datasette:1' };
      await startPluginProgram(operator.controller, command, env);
      apply(operator, 'users', ['id']);
      const [secretKey, deploymentKey, serviceKey] = ['/v1/Secret', 'apps/v1/Deployment', '/v1/Service'].map(
        (prefix) => `${prefix}/default/users-datasette`,
      ) as [string, string, string];
      await operator.expectCondition('users', 'Ready', {
        status: 'False',
        reason: 'DependentsNotReady',
        message: expect.stringContaining('Deployment default/users-datasette is not ready') as string,
      });
      const secret = operator.resources.get(secretKey);
      const { metadata, spec } = operator.resources.get(deploymentKey) ?? {};
      expect(spec).toMatchObject({ template: { spec: { containers: [{ image: 'datasette:1' }] } } });
      expect(operator.resources.get(serviceKey)).toBeUndefined();
      expect(operator.get('users')?.status?.dependentsReady).toBe('1/3');

      const by = { uid: metadata?.uid ?? '', fieldManager: 'deployment-controller' };
      await operator.resources.applyStatus(deploymentKey, { availableReplicas: 1 }, by);
      await operator.expectReady('users', 'SQLite');
      expect(operator.get('users')?.status?.dependentsReady).toBe('3/3');
      expect(operator.resources.get(serviceKey)?.metadata.ownerReferences).toMatchObject([{ name: 'users' }]);

      apply(operator, 'users', ['id', 'age']);
      await operator.expectReady('users', 'SQLite');
      expect(operator.resources.get(secretKey)).toEqual(secret);
      operator.delete('users');
      await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
      expect(operator.resources.get(secretKey)).toBeUndefined();
    });
  },
);

describe.each(ofProcesses)('the process of the example in $language', ({ command }) => {
  it('finishes in-flight calls on SIGTERM, and exits with 0', async () => {
    const directory = temporaryFolder();
    const operator = await TestOperator.start(delegation, { lease, adminAddress: '127.0.0.1:0' });
    const plugin = await startPluginProgram(operator.controller, command, { SQLITE_DIRECTORY: directory });
    apply(operator, 'users', ['id']);
    await operator.expectReady('users', 'SQLite');
    const database = open(directory);
    // The plugin waits for this lock.
    database.exec('BEGIN IMMEDIATE');
    apply(operator, 'users', ['id', 'age']);
    const metrics = async () => (await fetch(`http://${operator.controller.adminAddress}/metrics`)).text();
    const inFlight = /^controller_runtime_active_workers\{.*\} 1$/m;
    await vi.waitFor(async () => expect(await metrics()).toMatch(inFlight), waitOptions);
    plugin.process.kill('SIGTERM');
    await vi.waitFor(() => {
      expect(operator.controller.registry.get(plugin.instanceId)?.state).toBe('draining');
    }, waitOptions);
    // Longer than it keeps connections open without in-flight calls.
    await sleep(1_500);
    expect(plugin.process.exitCode).toBeNull();
    database.exec('COMMIT');
    expect(await plugin.exited()).toBe(0);
    expect(database.prepare('SELECT id, age FROM users').all()).toEqual([]);
    await operator.expectCondition('users', 'Reconciled', {
      status: 'True',
      reason: 'Succeeded',
      observedGeneration: 2,
    });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
  });

  it('registers again after a restart of the controller, and drains on request', async () => {
    const first = await TestOperator.start(delegation, { lease });
    const plugin = await startPluginProgram(first.controller, command, { SQLITE_DIRECTORY: temporaryFolder() });
    const { heartbeatAddress } = first.controller;
    await first.controller.stop();
    const second = await TestOperator.start(delegation, { heartbeatAddress, lease });
    apply(second, 'users', ['id']);
    await second.expectReady('users', 'SQLite');
    expect(second.controller.registry.get(plugin.instanceId)?.state).toBe('live');
    second.drain(plugin.instanceId);
    expect(await plugin.exited()).toBe(0);
  });

  it('renews its lease by heartbeats', async () => {
    const operator = await TestOperator.start(delegation, { lease: { interval: 200, ttl: 1_000 } });
    const { registry } = operator.controller;
    const { instanceId } = await startPluginProgram(operator.controller, command);
    const [lastHeardAt = 0] = [registry.get(instanceId)?.lastHeardAt];
    await vi.waitFor(
      () => expect(registry.get(instanceId)?.lastHeardAt).toBeGreaterThan(lastHeardAt + 3_000),
      waitOptions,
    );
    expect(registry.get(instanceId)?.state).toBe('live');
  });
});

/** Writes a file as kubelets do it: readers see the former content or the new one. */
function replace(file: string, content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Writes the certificate of an operator for its heartbeat port and calls. */
async function writeOperatorFiles(folder: string, ca: TestCa): Promise<void> {
  const { certificate, key } = await ca.server({ usage: 'both', uris: [callerUri] });
  mkdirSync(folder);
  const files = { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': ca.certificate };
  for (const [name, content] of Object.entries(files)) replace(join(folder, name), content);
}

describe.each(available)('the example in $language, with TLS and a token', ({ command }) => {
  it('is called while its token and the CA of the operator are replaced, and drains on SIGTERM', async () => {
    const folder = temporaryFolder();
    const [ca, nextCa] = await Promise.all([TestCa.create(), TestCa.create()]);
    const [bundle, tokenFile] = [join(folder, 'ca.crt'), join(folder, 'token')];
    const tokens = join(folder, 'tokens.yaml');
    await writeOperatorFiles(join(folder, 'first'), ca);
    await writeOperatorFiles(join(folder, 'second'), nextCa);
    replace(bundle, ca.certificate);
    replace(tokenFile, `${await createToken(tokens, { name: 'first', plugins: ['SQLite'] })}\n`);
    const start = (certificates: string, heartbeatAddress: string) => {
      const security = { tokenFile: tokens, certificate: { folder: join(folder, certificates) } };
      return TestOperator.start(delegation, { lease, heartbeatAddress, security });
    };

    const first = await start('first', '0.0.0.0:0');
    const port = first.controller.heartbeatAddress.split(':').at(-1);
    const plugin = await startPluginProgram(first.controller, command, {
      SQLITE_DIRECTORY: folder,
      KPLUG_CONTROLLER: `localhost:${port}`,
      KPLUG_TLS_CA: bundle,
      KPLUG_TOKEN_FILE: tokenFile,
    });
    apply(first, 'users', ['id']);
    await first.expectReady('users', 'SQLite');
    const { registration } = first.controller.registry.get(plugin.instanceId) ?? {};
    expect(registration?.certificate?.length).toBeGreaterThan(200);

    replace(tokenFile, await createToken(tokens, { name: 'second', plugins: ['SQLite'] }));
    await revokeToken(tokens, 'first');
    replace(bundle, ca.certificate + nextCa.certificate);
    apply(first, 'users', ['id', 'age']);
    await first.expectReady('users', 'SQLite');
    await first.controller.stop();

    const second = await start('second', `0.0.0.0:${port}`);
    apply(second, 'users', ['id']);
    await second.expectReady('users', 'SQLite');
    const database = open(folder);
    expect(database.prepare('SELECT name FROM pragma_table_info(?)').all('users')).toMatchObject([{ name: 'id' }]);
    plugin.process.kill('SIGTERM');
    expect(await plugin.exited()).toBe(0);
    await vi.waitFor(() => {
      expect(second.controller.registry.get(plugin.instanceId)?.state ?? 'gone').toBe('gone');
    }, waitOptions);
  }, 60_000);

  it('opens a session with a new token before it ends the previous one', async () => {
    const folder = temporaryFolder();
    const ca = await TestCa.create();
    const [bundle, tokenFile] = [join(folder, 'ca.crt'), join(folder, 'token')];
    replace(bundle, ca.certificate);
    replace(tokenFile, 'one');
    const registry = await FakeRegistry.start({ tls: await ca.server(), interval: 100 });
    const operator = {
      heartbeatAddress: registry.address(),
      registry: { get: () => (registry.beats > 0 ? { state: 'live' } : undefined) },
    };
    const env = { KPLUG_TLS_CA: bundle, KPLUG_TOKEN_FILE: tokenFile, SQLITE_DIRECTORY: folder };
    const plugin = await startPluginProgram(operator, command, env);
    replace(tokenFile, 'two');
    await vi.waitFor(() => expect(registry.sessionCounts).toEqual([1, 2, 1]), waitOptions);
    const { beats } = registry;
    await vi.waitFor(() => expect(registry.beats).toBeGreaterThan(beats + 2), waitOptions);
    plugin.process.kill('SIGTERM');
    expect(await plugin.exited()).toBe(0);
    expect(registry.messages.map(({ rpc, token }) => [rpc, token])).toEqual([
      ['Session', 'one'],
      ['Session', 'two'],
      ['Deregister', 'two'],
    ]);
    expect(new Set(registry.messages.map(({ secret }) => secret)).size).toBe(1);
    expect(registry.messages[0]?.secret).toMatch(/^[\w-]{43}$/);
  });

  it.each([
    ['another CA', {}, /KPLUG_TLS_CA/],
    ['another name', { dnsNames: ['other.example'], ipAddresses: [] }, /KPLUG_TLS_SERVER_NAME/],
    ['plain text', undefined, /does not speak TLS 1\.3/],
  ])('sends nothing to a controller with %s, and logs what to do', async (title, leaf, advice) => {
    const folder = temporaryFolder();
    const [ca, stranger] = await Promise.all([TestCa.create(), TestCa.create('stranger')]);
    replace(join(folder, 'ca.crt'), ca.certificate);
    const tls = leaf && (await (title === 'another CA' ? stranger : ca).server(leaf));
    const registry = await FakeRegistry.start({ ...(tls && { tls }) });
    const { log } = run(command, {
      KPLUG_CONTROLLER: registry.address(),
      KPLUG_TLS_CA: join(folder, 'ca.crt'),
      KPLUG_TOKEN: 'secret-token',
    });
    await vi.waitFor(() => expect(log.join('')).toMatch(advice), waitOptions);
    expect(registry.messages).toEqual([]);
    expect(log.join('')).not.toContain('secret-token');
  });

  it.each([
    ['a remote controller', {}, /KPLUG_TLS_CA.*KPLUG_INSECURE=true/],
    ['a certificate without a CA bundle', { KPLUG_TLS_CERT: 'tls.crt', KPLUG_TLS_KEY: 'tls.key' }, /KPLUG_TLS_CA/],
  ])('fails at its start with %s and no CA bundle', async (_, env, message) => {
    const { child, log } = run(command, { KPLUG_CONTROLLER: 'kplug.example:50050', ...env });
    const [code] = await once(child, 'close');
    expect(code).toBe(1);
    expect(log.join('')).toMatch(message);
  });
});

/** Starts a program, and collects its output. */
function run([program = '', ...args]: readonly string[], env: Record<string, string>) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => log.push(String(chunk)));
  return { child, log };
}

describe('plugins in all languages', () => {
  it('are instances of one plugin, and the remaining ones take over', async () => {
    const folder = temporaryFolder();
    const files = join(folder, 'files');
    mkdirSync(files);
    const operator = await TestOperator.start(delegation, { lease });
    // Each uses another path to the same files, so that the status identifies it.
    const start = ({ language, command }: (typeof available)[number]) => {
      const directory = join(folder, language);
      symlinkSync(files, directory);
      const env = { SQLITE_DIRECTORY: directory };
      return startPluginProgram(operator.controller, command, env).then((plugin) => ({ plugin, directory }));
    };
    const running = await Promise.all(available.map(start));
    const names = Array.from({ length: 20 }, (_, index) => `t${index}`);
    let columns = ['id'];
    const edit = (note: string) => {
      for (const name of names) apply(operator, name, columns, { note });
    };
    const seen = new Set<string>();
    let edits = 0;
    await vi.waitFor(
      () => {
        for (const name of names) if (operator.get(name, kind)?.status) seen.add(folderOf(operator, name));
        edit(String(edits++));
        expect(seen).toEqual(new Set(running.map(({ directory }) => directory)));
        // Continuous edits would leave the plugins no time to work.
      },
      { ...waitOptions, interval: 500 },
    );

    for (let next = running.shift(); next; next = running.shift()) {
      edit('while it is killed');
      await kill(next.plugin);
      columns = [...columns, `without_${running.length}`];
      edit('after it was killed');
      if (running.length === 0) break;
      for (const name of names) await operator.expectReady(name, 'SQLite');
      const left = running.map(({ directory }) => directory);
      for (const name of names) expect(left).toContain(folderOf(operator, name));
      const database = open(files);
      for (const name of names) {
        const found = database.prepare('SELECT name FROM pragma_table_info(?)').all(name);
        expect(found.map((column) => column.name)).toEqual(columns);
      }
    }
    for (const name of names) {
      await operator.expectCondition(name, 'Ready', { status: 'False', reason: 'NoPlugin' });
    }
  }, 60_000);

  it('are different plugins, which are fallbacks of each other and regain the resources that prefer them', async () => {
    const folder = temporaryFolder();
    const operator = await TestOperator.start(delegation, { lease });
    const start = async ({ language, command }: (typeof available)[number]) => {
      const directory = join(folder, language);
      mkdirSync(directory, { recursive: true });
      const env = { SQLITE_DIRECTORY: directory, PLUGIN_NAME: language };
      return { language, command, plugin: await startPluginProgram(operator.controller, command, env) };
    };
    const running = await Promise.all(available.map(start));
    const tables = available.flatMap(({ language }) =>
      [1, 2, 3].map((number) => ({ language, name: `${language.toLowerCase()}${number}` })),
    );
    for (const { language, name } of tables) apply(operator, name, ['id'], { preferredImplementation: language });
    for (const { language, name } of tables) {
      await operator.expectReady(name, language);
      expect(folderOf(operator, name)).toBe(join(folder, language));
    }

    const killed = running.splice(1, 2);
    for (const { plugin } of killed) await kill(plugin);
    const away = tables.filter(({ language }) => killed.some((other) => other.language === language));
    const left = running.map(({ language }) => language);
    for (const { name } of tables) {
      await operator.expectReady(name);
      await vi.waitFor(() => expect(left).toContain(operator.get(name)?.status?.implementation), waitOptions);
    }
    await Promise.all(killed.map(start));
    for (const { language, name } of away) await operator.expectReady(name, language);
    for (const { name } of tables) operator.delete(name);
    for (const { name } of tables) await vi.waitFor(() => expect(operator.get(name)).toBeUndefined(), waitOptions);
  }, 60_000);
});
