import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDirectory } from '@kplug/controller';
import { freePort } from '@kplug/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const waitOptions = { timeout: 30_000, interval: 50 };

let folder: string;
let operator: ChildProcess;
let url: string;

beforeAll(async () => {
  // A copy of what the user has, as the operator writes beside the manifests. The code stays where its packages are.
  folder = await mkdtemp(join(tmpdir(), 'kplug-foobar-'));
  await cp(join(here, 'manifests'), join(folder, 'manifests'), { recursive: true });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const ports = ['--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '0'];
  const args = ['--config', 'kplug.yaml', '--manifests', join(folder, 'manifests'), ...ports];
  operator = spawn(process.execPath, ['operator.ts', ...args], {
    cwd: here,
    env: { ...process.env, FOOBAR_ADDRESS: `127.0.0.1:${port}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}, 60_000);

afterAll(async () => {
  operator.kill();
  if (operator.exitCode === null) await once(operator, 'exit');
  await rm(folder, { recursive: true });
});

it('asks the plugin that is preferred, or another one that is there', async () => {
  await expectAnswer('/foos?prefer=Beta&length=5', { foo: 'bbbbb', plugin: 'Beta', why: expect.any(String) });
  await expectAnswer('/foos?prefer=alpha', { foo: 'aaa', plugin: 'Alpha', why: expect.any(String) });
  const { plugin, why } = (await get('/foos?prefer=Delta')) as { plugin: string; why: string };
  expect(['Alpha', 'Beta']).toContain(plugin);
  expect(why).toBe(`${plugin} 1.0.0 stands in for Delta: no such plugin is registered`);
});

it('says what a plugin failed with', async () => {
  const answer = await fetch(`${url}/foos?prefer=Alpha&length=0`);
  expect(answer.status).toBe(502);
  expect(await answer.json()).toEqual({
    error: expect.stringMatching(
      /^Alpha 1\.0\.0 at 127\.0\.0\.1:\d+ failed with INTERNAL: a foo has a letter at least$/,
    ),
  });
});

it('asks every plugin', () => expectAnswer('/bars', { Alpha: ['alpha-0', 'alpha-1'] }));

it('has resources reconciled by the same process', async () => {
  await vi.waitFor(async () => {
    const { resources } = await readDirectory(join(folder, 'manifests'));
    expect(resources.map(({ status }) => status)).toMatchObject([{ implementation: 'Alpha', foobar: 'aaaa-bar' }]);
  }, waitOptions);
});

async function get(path: string): Promise<unknown> {
  const answer = await fetch(url + path);
  expect(answer.status).toBe(200);
  return answer.json();
}

function expectAnswer(path: string, expected: object): Promise<void> {
  return vi.waitFor(async () => expect(await get(path)).toEqual(expected), waitOptions);
}
