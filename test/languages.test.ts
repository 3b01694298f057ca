import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PluginProgram, reference, startPluginProgram, TestOperator } from '@kplug/testing';
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
const withoutSdk = available.filter(({ language }) => ['Go', 'Java'].includes(language));

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
    const operator = await TestOperator.start(delegation, { lease, heartbeatAddress: ':0' });
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

describe.each(withoutSdk)('the example in $language, which has no SDK', ({ command }) => {
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
