import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { stringify } from 'yaml';
import { buildGoPluginFor } from '../tools/languages/go.ts';
import { buildJavaPluginFor } from '../tools/languages/java.ts';
import { installPythonFor } from '../tools/python/environment.ts';

// In CI, a missing toolchain is an error.
const what = 'the tests of plugins in a folder';
const examples = join(import.meta.dirname, '../examples');
const python = await installPythonFor(`${what} in Python`);
const go = await buildGoPluginFor(`${what} in Go`);
const java = await buildJavaPluginFor(`${what} in Java`);
const commands: Record<string, string[] | undefined> = {
  TypeScript: ['node', join(examples, 'database-table/plugins/sqlite.ts')],
  Python: python ? [python, join(examples, 'plugins/python/plugin.py')] : undefined,
  Go: go,
  Java: java,
};
const available = Object.entries(commands).flatMap(([language, command]) => (command ? [{ language, command }] : []));

const waitOptions = { timeout: 30_000, interval: 20 };

describe.each(available)('a plugin in $language in the folder', ({ command: [program = '', ...args] }) => {
  it('registers with its token, reconciles, and exits when it is removed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kplug-folder-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const environment = { SQLITE_DIRECTORY: directory };
    mkdirSync(join(directory, 'sqlite'));
    const operator = await TestOperator.start(
      { api: 'DatabaseTable@^1.0.0' },
      { pluginsFolder: { directory, settleTime: 50, scanInterval: 200 } },
    );
    const description = stringify({ command: program, arguments: args, environment });
    writeFileSync(join(directory, 'sqlite/plugin.yaml'), description);
    const folder = operator.controller.pluginsFolder;
    await vi.waitFor(() => expect(folder?.list()).toMatchObject([{ state: 'live', plugin: 'SQLite' }]), waitOptions);
    const [instance] = operator.controller.registry.instances();
    expect(instance?.registration).toMatchObject({
      instanceId: folder?.list()[0]?.instanceId,
      address: expect.stringMatching(/^127\.0\.0\.1:/),
    });
    operator.table('users', { serverName: 'main', columns: [{ name: 'id', type: 'int64' }] });
    await operator.expectReady('users', 'SQLite');

    rmSync(join(directory, 'sqlite'), { recursive: true });
    await vi.waitFor(() => expect(folder?.list()).toEqual([]), waitOptions);
    expect(operator.controller.registry.size).toBe(0);
  });
});

it.each(available)(
  'a plugin in $language in the folder stops with its operator, without a warning',
  async ({ command: [program = '', ...args] }) => {
    const directory = mkdtempSync(join(tmpdir(), 'kplug-folder-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const log: { level: number; msg: string; hosted?: string }[] = [];
    const operator = await TestOperator.start(
      { api: 'DatabaseTable@^1.0.0' },
      {
        pluginsFolder: { directory, settleTime: 50, scanInterval: 200 },
        logger: pino({ level: 'info' }, { write: (line) => void log.push(JSON.parse(line)) }),
      },
    );
    mkdirSync(join(directory, 'sqlite'));
    const environment = { SQLITE_DIRECTORY: directory };
    writeFileSync(join(directory, 'sqlite/plugin.yaml'), stringify({ command: program, arguments: args, environment }));
    const folder = operator.controller.pluginsFolder;
    await vi.waitFor(() => expect(folder?.list()).toMatchObject([{ state: 'live' }]), waitOptions);
    await operator.controller.stop();
    expect(log.some(({ hosted }) => hosted === 'sqlite')).toBe(true);
    // gRPC's C core writes its own information to standard error.
    const ofPlugins = log.filter(({ msg }) => !/^I\d{4} /.test(msg));
    // The level of some languages is only in the text.
    expect(ofPlugins.filter(({ level, msg }) => level >= 40 || /\bWARN/.test(msg))).toEqual([]);
  },
);
