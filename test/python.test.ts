import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { createToken, revokeToken } from '@kplug/controller/tools';
import { keyFor, type PythonPlugin, reference, startPythonPlugin, TestOperator } from '@kplug/testing';
import { callerUri, TestCa } from '@kplug/testing/certificates';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { installPythonFor, pythonPackage } from '../tools/python/environment.ts';

const execute = promisify(execFile);
const waitOptions = { timeout: 15_000, interval: 10 };
const examples = join(import.meta.dirname, '../examples/plugins/python');

// In CI, a missing Python is a failure.
const python = (await installPythonFor('the tests of Python plugins')) ?? '';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-python-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function start(operator: TestOperator, name: string, env: Record<string, string> = {}): Promise<PythonPlugin> {
  const file = join(pythonPackage, 'tests/plugins/scripted.py');
  return startPythonPlugin(operator.controller, python, file, { TEST_PLUGIN_NAME: name, ...env });
}

describe.skipIf(!python)('the Python package', () => {
  it('passes its own tests', { timeout: 240_000 }, async () => {
    // A test that hangs is reported with the stacks of its threads.
    const stacks = ['-o', 'faulthandler_timeout=100'];
    const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', ...stacks, 'tests', examples];
    const { stdout } = await execute(python, args, { cwd: pythonPackage, timeout: 220_000 });
    expect(stdout).toMatch(/^\d+ passed in /m);
  });
});

describe.skipIf(!python)('a plugin in Python', () => {
  it('reconciles: statuses, conditions and events arrive', async () => {
    const operator = await TestOperator.start({}, { adminAddress: '127.0.0.1:0' });
    operator.extension('PgOptions', 'users', { partitions: 8 });
    operator.table('users', {
      columns: [{ name: 'id', type: 'int64' }, { name: 'who' }],
      extensions: [reference('PgOptions', 'users')],
    });
    await start(operator, 'PostgreSQL');
    await operator.expectReady('users', 'PostgreSQL');
    expect(operator.get('users')?.status).toMatchObject({
      columns: [
        { name: 'id', type: 'int64' },
        { name: 'who', type: 'string' },
      ],
    });
    expect(operator.get('users', 'PgOptions')?.status).toMatchObject({ partitions: 8 });
    expect(operator.condition('users', 'BackupTaken')).toMatchObject({ status: 'False', reason: 'TooYoung' });
    const [{ apis = [] } = {}] = [...operator.controller.registry.instances()].map(({ registration }) => registration);
    expect(apis).toMatchObject([{ name: 'Table', extensionKinds: [{ kind: 'PgOptions' }] }]);
    const address = `http://${operator.controller.adminAddress}/kplug.v1.DelegationService/ExplainResource`;
    const body = JSON.stringify({ kind: 'table', namespace: 'default', name: 'users' });
    const response = await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { events } = (await response.json()) as { events: { event: { reason: string; target: string } }[] };
    expect(events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ reason: 'DriftCorrected', target: keyFor('Table', 'users') }),
    );
  });

  it('reports transient, permanent and unexpected failures', async () => {
    const operator = await TestOperator.start();
    for (const fail of ['once', 'terminal', 'bug']) operator.table(fail, { fail });
    const plugin = await start(operator, 'PostgreSQL');
    await operator.expectCondition('terminal', 'Ready', { reason: 'Impossible' });
    expect(operator.condition('terminal', 'Ready')?.message).toContain("the table can't be");
    await operator.expectCondition('bug', 'Ready', { reason: 'PluginError' });
    expect(operator.condition('bug', 'Ready')?.message).toContain('divided by zero');
    await operator.expectReady('once');
    expect(operator.get('once')?.status).toMatchObject({ attempt: 2 });
    await vi.waitFor(() => {
      expect(plugin.lines.filter((line) => line === 'reconcile bug').length).toBeGreaterThan(2);
    }, waitOptions);
    expect(plugin.lines.filter((line) => line === 'reconcile terminal')).toHaveLength(1);
  });

  it('rejects an invalid resource, and finalizes one that was valid once', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { columns: [{ name: 'id' }] });
    operator.table('sessions');
    const plugin = await start(operator, 'PostgreSQL');
    await operator.expectReady('users');
    await operator.expectReady('sessions');
    operator.table('users', { columns: [{ name: 'id', type: 'blob' }] });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidSpec' });
    expect(operator.condition('users', 'Ready')?.message).toContain(
      "Table users is invalid: .spec.columns[0].type: Invalid enum value 'blob'",
    );
    expect(plugin.lines.filter((line) => line === 'reconcile users')).toHaveLength(1);
    for (const name of ['users', 'sessions']) {
      operator.delete(name);
      await vi.waitFor(() => expect(operator.get(name)).toBeUndefined(), waitOptions);
    }
    expect(plugin.lines).toEqual(
      expect.arrayContaining(['finalize users deleted dict', 'finalize sessions deleted Table']),
    );
  });

  it('continues the operation of a process that was killed', async () => {
    const operator = await TestOperator.start();
    operator.table('users', { lasting: true });
    const killed = await start(operator, 'PostgreSQL');
    const message = 'PostgreSQL 1.0.0 is 50 % done: waiting for another process';
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InProgress', message });
    killed.process.kill('SIGKILL');
    await start(operator, 'PostgreSQL');
    await operator.expectReady('users');
    expect(operator.get('users')?.status).toMatchObject({ token: String(killed.process.pid), percentage: 50 });
  });

  it('finishes in-flight calls on SIGTERM, and exits with 0', async () => {
    const operator = await TestOperator.start();
    operator.table('users');
    const plugin = await start(operator, 'PostgreSQL', { TEST_PLUGIN_DELAY: '300' });
    await vi.waitFor(() => expect(plugin.lines).toEqual(['reconcile users']), waitOptions);
    plugin.process.kill('SIGTERM');
    expect(await plugin.exited()).toBe(0);
    await operator.expectCondition('users', 'Reconciled', { status: 'True', reason: 'Succeeded' });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'NoPlugin' });
    expect(plugin.lines).toEqual(['reconcile users']);
  });

  it('is replaced by the fallback after SIGKILL, long before its lease expires', async () => {
    const operator = await TestOperator.start({}, { lease: { interval: 5_000, ttl: 60_000 } });
    operator.table('users', { preferredImplementation: 'MariaDB' });
    const maria = await start(operator, 'MariaDB', { TEST_PLUGIN_DELAY: '600000' });
    await operator.plugin({ name: 'PostgreSQL' });
    await vi.waitFor(() => expect(maria.lines).toEqual(['reconcile users']), waitOptions);
    maria.process.kill('SIGKILL');
    await operator.expectReady('users', 'PostgreSQL');
  });

  it('registers again after a restart of the controller', async () => {
    const first = await TestOperator.start();
    const plugin = await start(first, 'PostgreSQL');
    const heartbeatAddress = first.controller.heartbeatAddress;
    await first.controller.stop();
    const second = await TestOperator.start({}, { heartbeatAddress });
    second.table('users');
    await second.expectReady('users', 'PostgreSQL');
    expect(second.controller.registry.get(plugin.instanceId)?.state).toBe('live');
  });

  it('shares the work with an instance in TypeScript, and takes over when that stops', async () => {
    const operator = await TestOperator.start();
    const inTypeScript = await operator.plugin({
      name: 'PostgreSQL',
      // Instances of one plugin must register the same API.
      extensions: { PgOptions: z.looseObject({}) },
      reconcile: () => ({ status: { process: process.pid } }),
    });
    const inPython = await start(operator, 'PostgreSQL');
    const names = Array.from({ length: 20 }, (_, index) => `t${index}`);
    const processes = () => names.map((name) => operator.get(name)?.status?.process);
    const seen = new Set<unknown>();
    let edit = 0;
    await vi.waitFor(
      () => {
        edit++;
        for (const name of names) operator.table(name, { edit });
        for (const process of processes()) if (process !== undefined) seen.add(process);
        expect(seen).toEqual(new Set([process.pid, inPython.process.pid]));
        // Continuous edits would leave the plugins no time to work.
      },
      { ...waitOptions, interval: 200 },
    );

    await inTypeScript.stop();
    for (const name of names) operator.table(name, { edit: 0 });
    for (const name of names) await operator.expectReady(name, 'PostgreSQL');
    expect(new Set(processes())).toEqual(new Set([inPython.process.pid]));
  });
});

describe.skipIf(!python)('a plugin in Python with an operator that is open to other machines', () => {
  it('proves who it is by a token, is called over TLS, and loses no call when its token changes', async () => {
    const folder = temporaryFolder();
    const ca = await TestCa.create();
    const names = { dnsNames: ['localhost', 'kplug.kplug-system.svc'], ipAddresses: ['127.0.0.1', '::1'] };
    const issued = await ca.issue({ usage: 'both', uris: [callerUri], ...names });
    for (const [name, content] of [
      ['tls.crt', issued.certificate],
      ['tls.key', issued.key],
      ['ca.crt', ca.certificate],
    ] as const)
      writeFileSync(join(folder, name), content, { mode: 0o600 });
    const tokens = join(folder, 'tokens.yaml');
    const createTokenFile = async () =>
      writeFileSync(join(folder, 'token'), await createToken(tokens, { name: 'tables', plugins: ['PostgreSQL'] }));
    await createTokenFile();
    const operator = await TestOperator.start(
      {},
      { heartbeatAddress: '0.0.0.0:0', security: { tokenFile: tokens, certificate: { folder } } },
    );
    const controller = operator.controller.heartbeatAddress.replace('0.0.0.0', '127.0.0.1');
    const plugin = await start(operator, 'PostgreSQL', {
      KPLUG_CONTROLLER: controller,
      KPLUG_TLS_CA: join(folder, 'ca.crt'),
      KPLUG_TOKEN_FILE: join(folder, 'token'),
      KPLUG_TLS_SERVER_NAME: 'kplug.kplug-system.svc',
      TEST_PLUGIN_DELAY: '2000',
    });
    const instance = operator.controller.registry.get(plugin.instanceId);
    expect(instance?.registration.certificate?.length).toBeGreaterThan(200);
    operator.table('users');
    await vi.waitFor(() => expect(plugin.lines).toEqual(['reconcile users']), waitOptions);
    await revokeToken(tokens, 'tables');
    await createTokenFile();
    await operator.expectReady('users', 'PostgreSQL');
    operator.table('users', { edit: 1 });
    await operator.expectReady('users', 'PostgreSQL');
    expect(operator.controller.registry.get(plugin.instanceId)?.state).toBe('live');
    expect(plugin.lines).toEqual(['reconcile users', 'reconcile users']);
    // The operator accepts a deregistration with the new token only.
    plugin.process.kill('SIGTERM');
    expect(await plugin.exited()).toBe(0);
    expect(operator.controller.registry.get(plugin.instanceId)?.state ?? 'gone').toBe('gone');
  });
});

describe.skipIf(!python)('the guide for plugins in Python', () => {
  it('has a plugin and a test that work, and pass mypy', { timeout: 120_000 }, async () => {
    const folder = temporaryFolder();
    const guide = readFileSync(join(import.meta.dirname, '../docs/writing-a-plugin-in-python.md'), 'utf8');
    const snippets = [...guide.matchAll(/```python\n(.+?)```/gs)].map(([, code = '']) => code);
    const [greeter = ''] = snippets;
    const testing = snippets.find((code) => code.includes('def test_')) ?? '';
    writeFileSync(join(folder, 'greeter.py'), greeter);
    writeFileSync(join(folder, 'test_greeter.py'), testing);
    const operator = await TestOperator.start({ api: 'Greeting@^1.0.0' });
    operator.extension('GreetingStyle', 'shout', { loud: true });
    operator.table('world', { who: 'World', extensions: [reference('GreetingStyle', 'shout')] });
    const env = { GREETINGS: folder };
    await startPythonPlugin(operator.controller, python, join(folder, 'greeter.py'), env);
    await operator.expectReady('world', 'Greeter');
    const file = join(folder, 'default.world.txt');
    expect(readFileSync(file, 'utf8')).toBe('HELLO, WORLD!\n');
    expect(operator.get('shout', 'GreetingStyle')?.status).toEqual({ applied: true });
    operator.table('world', { who: 'World', language: 'fr' });
    await operator.expectCondition('world', 'Ready', { reason: 'UnknownLanguage' });
    operator.table('world', { who: 7 });
    await operator.expectCondition('world', 'Ready', { reason: 'InvalidSpec' });
    operator.delete('world');
    await vi.waitFor(() => expect(existsSync(file)).toBe(false), waitOptions);

    const { stdout } = await execute(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'], { cwd: folder });
    expect(stdout).toMatch(/^4 passed in /m);
    await execute(python, ['-m', 'mypy', '--strict', '--python-version', '3.10', '.'], { cwd: folder });
  });
});

describe.skipIf(!python)('the example in Python', () => {
  it('creates, alters and drops tables', async () => {
    const directory = temporaryFolder();
    const operator = await TestOperator.start({ api: 'DatabaseTable@^1.0.0' });
    const file = join(examples, 'plugin.py');
    await startPythonPlugin(operator.controller, python, file, { SQLITE_DIRECTORY: directory });
    const kind = 'DatabaseTableSqliteExtension';
    const table = (...columns: { name: string; type: string }[]) =>
      operator.table('users', { serverName: 'main', columns, extensions: [reference(kind, 'users')] });
    operator.extension(kind, 'users', { strict: true });
    table({ name: 'id', type: 'uint64' });
    await operator.expectReady('users', 'SQLite');

    const database = new DatabaseSync(join(directory, 'main.sqlite'));
    onTestFinished(() => database.close());
    database.exec('INSERT INTO users VALUES (7)');
    table({ name: 'id', type: 'uint64' }, { name: 'name', type: 'string' });
    await operator.expectReady('users', 'SQLite');
    expect(database.prepare('SELECT * FROM users').all()).toMatchObject([{ id: 7, name: null }]);
    expect(operator.get('users', kind)?.status).toMatchObject({ rows: 1 });

    table({ name: 'id', type: 'money' });
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'UnsupportedColumnType' });
    table();
    await operator.expectCondition('users', 'Ready', { status: 'False', reason: 'InvalidSpec' });
    operator.delete('users');
    await vi.waitFor(() => expect(operator.get('users')).toBeUndefined(), waitOptions);
    expect(database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()).toEqual([]);
  });
});
