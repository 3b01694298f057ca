import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { definePlugin, type RunningPlugin } from '@kplug/sdk';
import { kplug, startKplug } from '@kplug/testing/kplug';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const waiting = { timeout: 20_000, interval: 20 };

/** Program that writes three lines, and then one for each number in a file beside it. */
const talker = `
import { readFileSync } from 'node:fs';
console.log(JSON.stringify({ level: 30, time: 1, msg: 'listening', port: 7000 }));
console.error('Error: no database\\n\\tat connect');
let said = 0;
setInterval(() => {
  try {
    for (const wanted = Number(readFileSync('_wanted', 'utf8')); said < wanted; said++) console.log('line ' + said);
  } catch {}
}, 20);
`;

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let controller: Controller;
let outside: RunningPlugin;

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-logs-'));
  await writeFile(join(folder.path, 'talker.mjs'), talker);
  controller = new Controller({
    resources: new MemoryResources(),
    delegations: [{ name: 'tables', base: { apiVersion: 'example.org/v1', kind: 'Table' }, api: 'Table@^1.0.0' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: '127.0.0.1:0',
    logger: pino({ level: 'silent' }),
    pluginsFolder: { directory: folder.path, settleTime: 50 },
  });
  await controller.start();
  const plugin = definePlugin({ name: 'Outside', version: '1.0.0', api: 'Table@1.0.0', reconcile: () => ({}) });
  const options = { controller: controller.heartbeatAddress, logLevel: 'silent', handleSignals: false } as const;
  outside = await plugin.serve(options);
  await vi.waitFor(async () => expect((await ask('talker.mjs')).stdout).toContain('at connect'), waiting);
});

afterAll(async () => {
  await outside?.stop();
  await controller?.stop();
  await folder?.remove();
});

const argsOf = (...args: string[]) => ['logs', ...args, '--admin', controller.adminAddress];
const ask = (...args: string[]) => kplug(argsOf(...args));

describe('kplug logs, of a plugin that the operator runs', () => {
  it('prints its output, with the lines in JSON as they are', async () => {
    const { code, stdout, stderr } = await ask('Talker.mjs');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.toSorted()).toEqual([
      '  at connect',
      'Error: no database',
      '{"level":30,"time":1,"msg":"listening","port":7000}',
    ]);
  });

  it('prints times, files, and a number of last lines', async () => {
    const { stdout } = await ask('talker.mjs', '--timestamps', '--prefix', '--tail', '1');
    expect(stdout).toMatch(/^\[talker\.mjs\] \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z .+\n$/);
    expect((await ask('talker.mjs', '--tail', '0')).stdout).toBe('');
    const [first] = (await ask('talker.mjs', '-o', 'json', '--tail', '-1')).stdout.split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ source: 'talker.mjs', time: expect.any(String) });
  });

  it('follows its output until it is interrupted', async () => {
    await using follow = startKplug(argsOf('talker.mjs', '-f'));
    await vi.waitFor(() => expect(follow.stdout).toContain('at connect'), waiting);
    await writeFile(join(folder.path, '_wanted'), '1');
    await vi.waitFor(() => expect(follow.stdout).toMatch(/\nline 0\n$/), waiting);
    await writeFile(join(folder.path, '_wanted'), '3');
    await vi.waitFor(() => expect(follow.stdout).toMatch(/\nline 0\nline 1\nline 2\n$/), waiting);
    follow.kill('SIGINT');
    expect(await follow.ended()).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('kplug logs, of another plugin', () => {
  it('says that the operator has none of its output, and where it is', async () => {
    const { code, stdout, stderr } = await ask('Outside');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^kplug: Outside at 127\.0\.0\.1:\d+ is not run by the operator, which has none of its output; see the terminal or service that started it; for the pods of a cluster, add --cluster or --context\n$/,
    );
  });

  it('says which plugins there are', async () => {
    const { code, stderr } = await ask('Nobody');
    expect(code).toBe(3);
    expect(stderr).toContain('knows no plugin Nobody; it knows Outside, talker.mjs; for pods of a plugin');
    expect((await ask('Outside', '--tail', 'many')).code).toBe(2);
  });
});
