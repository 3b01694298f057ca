import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDirectory } from '@kplug/controller/directory';
import { freePort } from '@kplug/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const waiting = { timeout: 30_000, interval: 50 };

let folder: string;
let operator: ChildProcess;
let url: string;

beforeAll(async () => {
  // Copies the manifests, as the operator writes its state beside them.
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

it('calls the preferred plugin, or a fallback', async () => {
  await expectAnswer('/foos?prefer=Beta&length=5', { foo: 'bbbbb', plugin: 'Beta', why: expect.any(String) });
  await expectAnswer('/foos?prefer=alpha', { foo: 'aaa', plugin: 'Alpha', why: expect.any(String) });
  const { plugin, why } = (await get('/foos?prefer=Delta')) as { plugin: string; why: string };
  expect(['Alpha', 'Beta']).toContain(plugin);
  expect(why).toBe(`${plugin} 1.0.0 is the fallback for Delta: no such plugin is registered`);
});

it('returns the error of a plugin', async () => {
  const answer = await fetch(`${url}/foos?prefer=Alpha&length=0`);
  expect(answer.status).toBe(502);
  expect(await answer.json()).toEqual({
    error: expect.stringMatching(/^Alpha 1\.0\.0 at 127\.0\.0\.1:\d+ failed with INTERNAL: length must be at least 1$/),
  });
});

it('calls all plugins', () => expectAnswer('/bars', { Alpha: ['alpha-0', 'alpha-1'] }));

it('delegates resources to the same process', async () => {
  await vi.waitFor(async () => {
    const { resources } = await readDirectory(join(folder, 'manifests'));
    expect(resources.map(({ status }) => status)).toMatchObject([{ implementation: 'Alpha', foobar: 'aaaa-bar' }]);
  }, waiting);
});

async function get(path: string): Promise<unknown> {
  const answer = await fetch(url + path);
  expect(answer.status).toBe(200);
  return answer.json();
}

function expectAnswer(path: string, expected: object): Promise<void> {
  return vi.waitFor(async () => expect(await get(path)).toEqual(expected), waiting);
}
