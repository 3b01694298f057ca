import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, stat, utimes } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import {
  type ArchiveEntry,
  architecture,
  archiveOf,
  makeFolder,
  ReleaseServer,
  sha256Of,
} from '@kplug/testing/supervisor';
import { describe, expect, it } from 'vitest';
import { type FetchPluginOptions, fetchPlugin, removeUnused } from './install.ts';
import { parsePluginItem } from './item.ts';

const program: ArchiveEntry = { path: 'plugin.sh', mode: 0o755, content: '#!/bin/sh\necho hello\n' };
const description: ArchiveEntry = { path: 'plugin.yaml', content: 'command: ./plugin.sh\n' };

async function start() {
  const server = await ReleaseServer.start();
  const directory = join(await makeFolder(), 'plugins');
  await mkdir(directory);
  const fetch = (item: string, options: Partial<FetchPluginOptions> = {}) =>
    fetchPlugin(parsePluginItem(item), { directory, baseUrl: server.url, ...options });
  return { server, directory, fetch };
}

/** Returns a URL without a server. */
async function closedUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe('a plugin of a release', () => {
  it('is unpacked, installed and kept', async () => {
    const { server, directory, fetch } = await start();
    const archive = archiveOf(program, description, { path: 'lib/deep/data.txt', content: 'data' });
    server.serve('example/postgresql@v1.2.0', archive);
    const item = `example/postgresql@v1.2.0#sha256:${sha256Of(archive).toUpperCase()}`;
    const progress: (number | undefined)[][] = [];
    const fetched = await fetch(item, { onProgress: (...bytes) => progress.push(bytes) });
    expect(fetched).toMatchObject({ path: join(directory, 'example.postgresql'), kept: false });
    expect(progress.at(-1)).toEqual([archive.length, archive.length]);
    expect(execFileSync(join(fetched.path, 'plugin.sh'), { encoding: 'utf8' })).toBe('hello\n');
    expect(await readFile(join(fetched.path, 'lib/deep/data.txt'), 'utf8')).toBe('data');

    server.answers.clear();
    expect(await fetch(item)).toMatchObject({ kept: true });
    expect(server.requests).toHaveLength(1);
    // No temporary files are left.
    expect(await readdir(join(directory, '.downloads'))).toEqual([
      expect.stringMatching(/^example\.postgresql@v1\.2\.0-/),
    ]);
  });

  it('replaces another release atomically, whose files stay for running processes', async () => {
    const { server, directory, fetch } = await start();
    server.serve('example/postgresql@v1', archiveOf(program));
    server.serve('example/postgresql@v2', archiveOf({ ...program, content: '#!/bin/sh\necho two\n' }));
    const { path } = await fetch('example/postgresql@v1');
    const former = join(directory, await readlink(path));
    await fetch('example/postgresql@v2');
    expect(execFileSync(join(path, 'plugin.sh'), { encoding: 'utf8' })).toBe('two\n');
    expect(execFileSync(join(former, 'plugin.sh'), { encoding: 'utf8' })).toBe('hello\n');
    // Recent releases stay, as another process may be installing them.
    await removeUnused(directory);
    expect(existsSync(former)).toBe(true);
    await utimes(former, 0, 0);
    await removeUnused(directory);
    expect(existsSync(former)).toBe(false);
    expect(existsSync(join(path, 'plugin.sh'))).toBe(true);
  });

  it('needs no plugin.yaml when it contains one program', async () => {
    const { server, fetch } = await start();
    server.serve('example/one@v1', archiveOf({ path: 'README.md', content: 'read me' }, program));
    const { path } = await fetch('example/one@v1');
    expect(await readFile(join(path, 'plugin.yaml'), 'utf8')).toBe('command: "./plugin.sh"\n');
    server.serve('example/two@v1', archiveOf(program, { ...program, path: 'other.sh' }));
    await expect(fetch('example/two@v1')).rejects.toThrow('and several programs (other.sh, plugin.sh)');
    server.serve('example/none@v1', archiveOf({ path: 'README.md', content: 'read me' }));
    await expect(fetch('example/none@v1')).rejects.toThrow('has no plugin.yaml at its top level, and no program');
  });

  it('is also found without the architecture, or under another name pattern', async () => {
    const { server, fetch } = await start();
    server.serve('example/any@v1', archiveOf(program), `kplug_plugin_${process.platform}.tar.gz`);
    await fetch('example/any@v1');
    expect(server.requests.map((url) => url.split('/').at(-1))).toEqual([
      `kplug_plugin_${process.platform}_${architecture}.tar.gz`,
      `kplug_plugin_${process.platform}.tar.gz`,
    ]);
    server.serve('example/named@v1', archiveOf(program), 'mine.tar.gz');
    await fetch('example/named@v1', { namePattern: 'mine.tar.gz' });
  });

  it('is found through redirects', async () => {
    const { server, fetch } = await start();
    const archive = archiveOf(program);
    server.answers.set('/elsewhere', archive);
    server.serve('example/moved@v1', (response) => response.writeHead(302, { location: '/elsewhere' }).end());
    await expect(fetch('example/moved@v1')).resolves.toMatchObject({ sha256: sha256Of(archive) });
  });

  it.each([
    ['a release that is missing', undefined, {}, 'NotFound', /no such release: http.*_amd64|arm64.*do not exist/],
    [
      'a wrong checksum',
      archiveOf(program),
      { sha: 'a'.repeat(64) },
      'DownloadFailed',
      /has the SHA-256 .*, but a+ is required/,
    ],
    [
      'an archive that is too large',
      Buffer.alloc(2_000),
      { maxBytes: 1_000 },
      'DownloadFailed',
      /is larger than 0 MiB/,
    ],
    ['no archive', Buffer.from('<html>sign in</html>'), {}, 'DownloadFailed', /invalid archive http\S+: /],
    [
      'an archive that ends early',
      archiveOf({ path: 'a', content: 'x'.repeat(9_999) }).subarray(0, 60),
      {},
      'DownloadFailed',
      /invalid archive http\S+: /,
    ],
  ] as const)(
    'is refused for %s, without leftovers',
    async (_, archive, { sha = '', ...options }: { sha?: string; maxBytes?: number }, code, message) => {
      const { server, directory, fetch } = await start();
      if (archive) server.serve('example/bad@v1', archive);
      const failure = fetch(`example/bad@v1${sha && `#sha256:${sha}`}`, options);
      await expect(failure).rejects.toMatchObject({ code, isLasting: true, message: expect.stringMatching(message) });
      expect(await readdir(directory)).toEqual(['.downloads']);
      expect(await readdir(join(directory, '.downloads'))).toEqual([]);
    },
  );

  it('can be retried when the server is unavailable or closes the connection', async () => {
    const { server, fetch } = await start();
    server.serve('example/away@v1', (response) => response.writeHead(503).end());
    await expect(fetch('example/away@v1')).rejects.toMatchObject({
      isLasting: false,
      message: expect.stringContaining('503'),
    });
    server.serve('example/cut@v1', (response) => {
      response.writeHead(200, { 'content-length': 1_000 });
      response.write('some', () => response.destroy());
    });
    await expect(fetch('example/cut@v1')).rejects.toMatchObject({ isLasting: false, code: 'DownloadFailed' });
    await expect(fetch('example/none@v1', { baseUrl: await closedUrl() })).rejects.toMatchObject({
      isLasting: false,
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('does not replace a folder that was not downloaded', async () => {
    const { server, directory, fetch } = await start();
    server.serve('example/mine@v1', archiveOf(program));
    await mkdir(join(directory, 'example.mine'));
    await expect(fetch('example/mine@v1')).rejects.toThrow('already exists and was not downloaded; move it away');
  });
});

describe('a malicious archive', () => {
  const link = (path: string, linkpath: string): ArchiveEntry => ({ path, type: 'SymbolicLink', linkpath });
  const hardLink = (path: string, linkpath: string): ArchiveEntry => ({ path, type: 'Link', linkpath });

  it.each<[string, ArchiveEntry[], string]>([
    ['an absolute path', [{ path: '/tmp/evil', content: 'x' }], 'the path /tmp/evil is not relative'],
    ['..', [{ path: '../evil', content: 'x' }], 'the path ../evil escapes'],
    ['.. further on', [{ path: 'a/../../evil', content: 'x' }], 'escapes the folder'],
    ['a backslash', [{ path: '..\\evil', content: 'x' }], 'is not relative'],
    ['a link to elsewhere', [link('out', '/etc')], 'the link out escapes the folder, to /etc'],
    ['a link upwards', [link('out', '..')], 'the link out escapes'],
    ['a link upwards by another', [link('a', '.'), link('b', 'a/..')], 'the link b escapes'],
    [
      'a file through a link',
      [{ path: 'd', type: 'Directory' }, link('l', 'd'), { path: 'l/f', content: 'x' }],
      'l/f is below l',
    ],
    ['a file in place of a link', [link('l', 'd'), { path: 'l', content: 'x' }], 'l occurs twice'],
    [
      'a hard link to elsewhere',
      [hardLink('h', '/etc/passwd')],
      'a link to /etc/passwd, which is not a file of the archive',
    ],
    ['a hard link upwards', [hardLink('h', '../x')], 'not a file of the archive'],
    ['a device', [{ path: 'null', type: 'CharacterDevice', devmaj: 1, devmin: 3 }], 'null is a CharacterDevice'],
    ['a pipe', [{ path: 'pipe', type: 'FIFO' }], 'pipe is a FIFO'],
    [
      'more files than are allowed',
      Array.from({ length: 11 }, (_, index) => ({ path: `f${index}` })),
      'more than 10 files',
    ],
    ['more bytes than are allowed', [{ path: 'f', content: 'x'.repeat(200_000) }], 'it contains more than 0 MiB'],
  ])('with %s is refused whole', async (_, entries, message) => {
    const { server, directory, fetch } = await start();
    server.serve('example/evil@v1', archiveOf(description, program, ...entries));
    const failure = fetch('example/evil@v1', { limits: { maxBytes: 100_000, maxFiles: 10 } });
    await expect(failure).rejects.toMatchObject({ code: 'DownloadFailed', message: expect.stringContaining(message) });
    expect(await readdir(directory)).toEqual(['.downloads']);
    expect(await readdir(join(directory, '.downloads'))).toEqual([]);
    expect(await readdir(join(directory, '..'))).toEqual(['plugins']);
  });

  it('is installed with internal links, but without special permission bits, if it is valid', async () => {
    const { server, fetch } = await start();
    const entries = [description, { ...program, mode: 0o4755 }, { path: 'd/f', content: 'x' }];
    server.serve('example/links@v1', archiveOf(...entries, link('d/up', '../plugin.sh'), hardLink('same', 'd/f')));
    const { path } = await fetch('example/links@v1');
    expect((await stat(join(path, 'plugin.sh'))).mode & 0o7777 & ~0o022).toBe(0o755);
    expect(await readFile(join(path, 'd/up'), 'utf8')).toContain('echo hello');
    expect(await readFile(join(path, 'same'), 'utf8')).toBe('x');
  });
});
