import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kplug } from '@kplug/testing/kplug';
import { archiveOf, ReleaseServer, sha256Of } from '@kplug/testing/supervisor';
import { expect, it, onTestFinished } from 'vitest';

const archive = archiveOf({ path: 'plugin.sh', mode: 0o755, content: '#!/bin/sh\nexit 0\n' });
const sha256 = sha256Of(archive);

async function start() {
  const server = await ReleaseServer.start();
  const folder = await mkdtempDisposable(join(tmpdir(), 'kplug-fetch-'));
  onTestFinished(() => folder.remove());
  const directory = join(folder.path, 'plugins');
  const fetch = (args: readonly string[], env: Record<string, string> = {}) =>
    kplug(['plugins', 'fetch', ...args, '--plugins-dir', directory, '--plugins-base-url', server.url], { env });
  return { server, directory, fetch };
}

it('downloads items to the directory, and keeps existing ones', async () => {
  const { server, directory, fetch } = await start();
  server.serve('example/a@v1', archive);
  server.serve('example/b@v2', archive);
  const items = ['example/a@v1', `example/b@v2#sha256:${sha256}`];
  const { code, stdout, stderr } = await fetch(items);
  expect({ code, lines: stdout.trim().split('\n').sort() }).toEqual({
    code: 0,
    lines: [
      `example/a@v1 saved to ${directory}/example.a (sha256:${sha256})`,
      `example/b@v2#sha256:${sha256} saved to ${directory}/example.b`,
    ],
  });
  expect(stderr).toContain('example/a@v1: fetching\n');
  expect(await readFile(join(directory, 'example.a/plugin.sh'), 'utf8')).toContain('exit 0');
  // Without items, the list of the environment is used.
  const again = await fetch([], { KPLUG_PLUGINS: items.join(',') });
  expect(again).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`example/a@v1 already in ${directory}/example.a`),
  });
  expect(server.requests).toHaveLength(2);
});

it('exits with 3 for a missing release and with 1 for a wrong checksum, and downloads the others', async () => {
  const { server, directory, fetch } = await start();
  server.serve('example/a@v1', archive);
  const missing = await fetch(['example/none@v1', 'example/a@v1']);
  expect(missing.code).toBe(3);
  expect(missing.stdout).toContain(`example/a@v1 saved to ${directory}/example.a`);
  expect(missing.stderr).toMatch(/^kplug: cannot fetch example\/none@v1: no such release: http/m);
  server.serve('example/wrong@v1', archive);
  const wrong = await fetch([`example/wrong@v1#sha256:${'0'.repeat(64)}`, 'example/none@v1']);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain(`has the SHA-256 ${sha256}, but ${'0'.repeat(64)} is required`);
});

it('retries an unreachable server up to the given number of attempts', async () => {
  const { server, fetch } = await start();
  let requests = 0;
  server.serve('example/busy@v1', (response) => {
    requests++;
    if (requests < 2) response.writeHead(503).end();
    else response.writeHead(200).end(archive);
  });
  const { code, stderr } = await fetch(['example/busy@v1']);
  expect(code).toBe(0);
  expect(stderr).toMatch(/example\/busy@v1: http\S+ returned 503 Service Unavailable; attempt 2 of 3 in 1 s/);
  server.serve('example/gone@v1', (response) => response.writeHead(503).end());
  await expect(fetch(['example/gone@v1', '--attempts', '1'])).resolves.toMatchObject({ code: 1 });
});

it.each([
  [[], /nothing to fetch; give an ITEM/],
  [['nonsense'], /"nonsense" is not a plugin to download; use ORG\/REPOSITORY@RELEASE/],
  [['a/b@1', '--attempts', 'many'], /--attempts "many" is not a number of attempts/],
])('refuses %j', async (args, message) => {
  const { code, stderr } = await kplug(['plugins', 'fetch', ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
