import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { kplug } from '@kplug/testing/kplug';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const waitOptions = { timeout: 20_000, interval: 20 };

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let controller: Controller;

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'kplug-hosted-'));
  await writeFile(join(folder.path, 'broken.py'), 'import sys\nprint("no database", file=sys.stderr)\nsys.exit(7)\n');
  controller = new Controller({
    resources: new MemoryResources(),
    delegations: [{ name: 'tables', base: { apiVersion: 'example.org/v1', kind: 'Table' }, api: 'Table@^1.0.0' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: '127.0.0.1:0',
    logger: pino({ level: 'silent' }),
    pluginsFolder: {
      directory: folder.path,
      settleTime: 50,
      restart: { initialBackOff: 10 },
    },
  });
  await controller.start();
  await vi.waitFor(() => expect(controller.pluginsFolder?.list()[0]?.state).toBe('failing'), waitOptions);
});

afterAll(async () => {
  await controller?.stop();
  await folder?.remove();
});

const ask = (...args: string[]) => kplug(['plugins', ...args, '--admin', `http://${controller.adminAddress}`]);

it('kplug plugins lists a failing hosted plugin that never registered, with the reason', async () => {
  const { code, stdout, stderr } = await ask();
  expect(code).toBe(0);
  const [header, row] = stdout.split('\n').map((line) => line.split(/ {3,}/));
  expect(header?.slice(0, 4)).toEqual(['NAME', 'VERSION', 'API', 'STATE']);
  expect(row?.slice(0, 4)).toEqual(['broken.py', '-', '-', 'failing']);
  const why = 'exited: exit code 7; last output: no database';
  expect(stderr).toBe(`${folder.path}/broken.py is failing: ${why}\n`);
  expect((await ask('-o', 'wide')).stdout).toContain('file=broken.py');
});

it('kplug plugins describe finds it by its file name and prints its last output', async () => {
  const { code, stdout } = await ask('describe', 'broken.py');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^broken\.py, hosted by the operator\n {2}State +failing for \d+s\n/);
  expect(stdout).toContain('Last exit     exit code 7');
  expect(stdout).toMatch(/ {2}Last output:\n {4}no database\n/);
  expect((await ask('describe', 'other.py')).code).toBe(3);
});

it('prints it as JSON', async () => {
  const { hosted } = JSON.parse((await ask('-o', 'json')).stdout);
  expect(hosted).toMatchObject({
    directory: folder.path,
    plugins: [
      { name: 'broken.py', state: 'HOSTED_STATE_FAILING', lastExit: 'exit code 7', lastLines: ['no database'] },
    ],
  });
});
