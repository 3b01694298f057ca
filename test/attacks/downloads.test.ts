// Attacks on downloads: by the network, by servers, and by readers of messages and files.
import { readdir, readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { kplug } from '@kplug/testing/kplug';
import {
  architecture,
  archiveOf,
  HostingTrial,
  makeFolder,
  moduleOf,
  ReleaseServer,
  sha256Of,
  waitOptions,
} from '@kplug/testing/supervisor';
import { describe, expect, it, vi } from 'vitest';
import { type FetchPluginOptions, fetchPlugin } from '../../packages/controller/src/supervisor/download/install.ts';
import { parsePluginItem } from '../../packages/controller/src/supervisor/download/item.ts';
import { FakeInternet } from './fake-internet.fixture.ts';

const archive = archiveOf({ path: 'plugin.sh', mode: 0o755, content: '#!/bin/sh\nexec sleep 600\n' });
const file = `kplug_plugin_${process.platform}_${architecture}.tar.gz`;
const path = `/example/a/releases/download/v1/${file}`;
const item = 'example/a@v1';
const pinned = `${item}#sha256:${sha256Of(archive)}`;
const secret = 's3cret';

async function fetchInto(text: string, options: Partial<FetchPluginOptions>) {
  const directory = await makeFolder();
  try {
    return { directory, ...(await fetchPlugin(parsePluginItem(text), { directory, ...options })) };
  } catch (error) {
    // Nothing is left, whatever the reason.
    expect(await readdir(directory).then((names) => names.filter((name) => !name.startsWith('.')))).toEqual([]);
    throw error;
  }
}

const redirect = (location: string) => (response: ServerResponse) => response.writeHead(302, { location }).end();

describe('a download over http', () => {
  it('without a checksum is refused before anything is sent', async () => {
    // Without the defence anyone on the way replaces the plugin, and runs code as the operator.
    const internet = await FakeInternet.start(['releases.test']);
    internet.on(`http://releases.test${path}`, archive);
    const failure = fetchInto(item, { baseUrl: 'http://releases.test' });
    await expect(failure).rejects.toMatchObject({
      isLasting: true,
      message: `http://releases.test${path} is not encrypted, so anyone on the way could replace the plugin; use https, or add #sha256: and the checksum to the item`,
    });
    expect(internet.requests).toEqual([]);
    // With a checksum it is allowed, through http redirects, too.
    internet.on('http://mirror.test/file', archive);
    internet.on(`http://releases.test${path}`, redirect('http://mirror.test/file'));
    await expect(fetchInto(pinned, { baseUrl: 'http://releases.test' })).resolves.toMatchObject({ kept: false });
  });

  it.each(['http://127.1', 'http://localhost', 'http://[::ffff:127.0.0.1]', 'http://0x7f.1'])(
    'from this machine by %s needs no checksum, and does not leave it through a proxy',
    async (host) => {
      // Without the defence a proxy answers for its own loopback interface, and so for the plugin.
      const server = await ReleaseServer.start();
      server.serve(item, archive);
      const internet = await FakeInternet.start([]);
      const fetched = fetchInto(item, { baseUrl: `${host}:${new URL(server.url).port}` });
      await expect(fetched).resolves.toMatchObject({ sha256: sha256Of(archive) });
      expect(internet.requests).toEqual([]);
    },
  );

  it.each(['http://127.0.0.1.releases.test', 'http://localhost.releases.test', 'http://2130706434.test'])(
    'from %s, which only resembles this machine, is refused',
    async (baseUrl) => {
      // Without the defence a name chosen by a stranger counts as this machine.
      await FakeInternet.start([]);
      await expect(fetchInto(item, { baseUrl })).rejects.toThrow('is not encrypted');
    },
  );

  it('with a password is refused, even with a checksum', async () => {
    // Without the defence anyone on the way reads the password.
    const internet = await FakeInternet.start([]);
    const failure = fetchInto(pinned, { baseUrl: `http://user:${secret}@releases.test` });
    await expect(failure).rejects.toThrow(`http://releases.test${path} would receive a password without encryption`);
    expect(internet.requests).toEqual([]);
  });
});

describe('a redirect', () => {
  it.each([
    ['http://mirror.test/file', pinned],
    ['http://mirror.test/file', item],
    ['HTTP://mirror.test/file', pinned],
    ['//mirror.test:80/file', item],
    ['ftp://mirror.test/file', pinned],
    ['file:///etc/passwd', pinned],
    ['data:application/gzip;base64,AAAA', item],
    ['http://127.0.0.1/file', pinned],
    ['https://169.254.169.254/latest', item],
    ['https://127.0.0.1/file', item],
    ['https://[::1]/file', item],
  ])('from https to %s is not followed for %s', async (target, text) => {
    // Without the defence a server, or a proxy in front of it, downgrades the transport, or reaches services of this machine.
    const internet = await FakeInternet.start(['releases.test', 'mirror.test']);
    internet.on('http://mirror.test/file', archive);
    internet.on(`https://releases.test${path}`, redirect(target));
    await expect(fetchInto(text, { baseUrl: 'https://releases.test' })).rejects.toThrow(
      /redirects (from https to|to .*(not https|of this machine))|can't be downloaded/,
    );
    expect(internet.requests.map(({ url }) => url)).toEqual([`https://releases.test${path}`]);
  });

  it('from https to https is followed, without credentials for other hosts', async () => {
    // Without the defence the password of the release server reaches every host that it redirects to.
    const internet = await FakeInternet.start(['releases.test', 'mirror.test']);
    internet.on(`https://releases.test${path}`, redirect(`https://releases.test/same?signature=${secret}`));
    internet.on(
      'https://releases.test/same',
      redirect(`https://other:${secret}2@mirror.test/file?signature=${secret}3`),
    );
    internet.on('https://mirror.test/file', redirect('https://releases.test/back'));
    internet.on('https://releases.test/back', archive);
    const baseUrl = `https://user:${secret}%21@releases.test/?token=${secret}4`;
    const { directory } = await fetchInto(item, { baseUrl });
    const basic = `Basic ${Buffer.from(`user:${secret}!`).toString('base64')}`;
    const { requests } = internet;
    expect(requests.map(({ url, headers }) => [url, headers.authorization, headers.referer])).toEqual([
      [`https://releases.test${path}?token=${secret}4`, basic, undefined],
      [`https://releases.test/same?signature=${secret}`, basic, undefined],
      [`https://mirror.test/file?signature=${secret}3`, undefined, undefined],
      ['https://releases.test/back', basic, undefined],
    ]);
    const origin = await readFile(join(directory, 'example.a/.kplug-origin.json'), 'utf8');
    expect(JSON.parse(origin)).toMatchObject({ url: `https://releases.test${path}` });
    expect(origin).not.toContain(secret);
  });

  it('to itself ends', async () => {
    // Without the defence a download never ends.
    const internet = await FakeInternet.start(['releases.test']);
    internet.on(`https://releases.test${path}`, redirect(path));
    await expect(fetchInto(item, { baseUrl: 'https://releases.test' })).rejects.toThrow('redirects more than 5 times');
    expect(internet.requests).toHaveLength(6);
  });
});

describe('credentials', () => {
  const baseUrl = `https://user:${secret}@releases.test/base?token=${secret}#${secret}`;

  it.each<[string, string, (internet: FakeInternet) => void]>([
    ['of a missing release', 'no such release', () => undefined],
    [
      'of a server that repeats them',
      'returned 403',
      (internet) =>
        internet.on(`https://releases.test/base${path}`, (response) =>
          response.writeHead(403, `see https://user:${secret}@x/?token=${secret}`).end(secret),
        ),
    ],
    [
      'in a redirect that is not followed',
      'redirects',
      (internet) => internet.on(`https://releases.test/base${path}`, redirect(`http://a:${secret}@x/?t=${secret}`)),
    ],
    [
      'in a redirect to no URL',
      'redirects to an invalid URL',
      (internet) => internet.on(`https://releases.test/base${path}`, redirect(`https://a:${secret}@[x/`)),
    ],
    [
      'of a server that closes the connection',
      "can't be downloaded",
      (internet) => internet.on(`https://releases.test/base${path}`, (response) => response.destroy()),
    ],
    [
      'of an invalid archive',
      'invalid archive',
      (internet) => internet.on(`https://releases.test/base${path}`, Buffer.from('<html>')),
    ],
    [
      'of a release without a program',
      'no program',
      (internet) => internet.on(`https://releases.test/base${path}`, archiveOf({ path: 'a', content: 'b' })),
    ],
  ])('%s are not in the error', async (_, message, serve) => {
    // Without the defence whoever reads logs, statuses or the admin port has the password of the release server and of the proxy.
    const internet = await FakeInternet.start(['releases.test'], `proxy:${secret}`);
    serve(internet);
    const error = await fetchInto(item, { baseUrl }).then(
      () => expect.fail('it was downloaded'),
      (error: Error) => error,
    );
    expect(error.message).toContain(message);
    expect(describeAll(error)).not.toContain(secret);
    expect(internet.proxied[0]).toMatchObject({ authorization: expect.stringMatching(/^Basic /) });
  });

  it.each([
    [{ HTTPS_PROXY: `http://proxy:${secret}@[x` }, 'HTTPS_PROXY or HTTP_PROXY is not a valid URL'],
    [{ HTTPS_PROXY: `http://proxy:${secret}@127.0.0.1:1` }, 'ECONNREFUSED'],
  ])('of the proxy are not in the error for %j', async (env, message) => {
    // Without the defence an unreachable proxy writes its password into the log.
    for (const [name, value] of Object.entries(env)) {
      vi.stubEnv(name, value);
      vi.stubEnv(name.toLowerCase(), value);
    }
    const error = await fetchInto(item, { baseUrl: 'https://releases.test' }).catch((error: Error) => error);
    vi.unstubAllEnvs();
    expect((error as Error).message).toContain(message);
    expect(describeAll(error)).not.toContain(secret);
  });

  it.each([
    [{ baseUrl: `ftp://user:${secret}@releases.test/?token=${secret}` }, 'invalid base URL "ftp://releases.test/"'],
    [{ baseUrl: `https://user:${secret}@[x/?token=${secret}` }, 'invalid base URL "https://[x/"'],
    [{ baseUrl: `https://user:${secret}/x@releases.test` }, 'invalid base URL "https://releases.test"'],
    [{ baseUrl: `user:${secret}@releases.test/?token=${secret}` }, 'invalid base URL "releases.test/"'],
    [{ namePattern: `https://user:${secret}@x` }, 'invalid name pattern "https://x"'],
  ])('in an invalid setting %j are not in the error', async (options, message) => {
    // Without the defence a typing error writes the password into the log.
    const error = await fetchInto(item, options).catch((error: Error) => error);
    expect((error as Error).message).toContain(message);
    expect(describeAll(error)).not.toContain(secret);
  });

  it('are neither in the log, the statuses and the admin services, nor in the output of kplug', async () => {
    // Without the defence each place that shows a failed download shows the password, too.
    const server = await ReleaseServer.start();
    server.answers.set(`${path}?token=${secret}`, (response) => response.writeHead(401).end());
    const port = new URL(server.url).port;
    const list = {
      items: [item, 'example/b@v1'],
      baseUrl: `http://user:${secret}@127.0.0.1:${port}/?token=${secret}`,
      backOff: { initial: 10 },
    };
    const trial = await HostingTrial.start({ list }, { adminAddress: '127.0.0.1:0' });
    await trial.put('honest.js', moduleOf());
    await trial.expectState('example.a', 'failing');
    await trial.expectState('example.b', 'failing');
    await trial.expectState('honest.js', 'live');
    trial.operator.table('users');
    await trial.operator.expectReady('users', 'Folder');
    const admin = ['--admin', `http://${trial.operator.controller.adminAddress}`];
    const shown = await Promise.all([
      kplug(['plugins', ...admin, '-o', 'json']),
      kplug(['plugins', ...admin]),
      kplug(['doctor', ...admin]),
    ]);
    expect(shown[1].stderr).toContain('401 Unauthorized');
    const env = { KPLUG_PLUGINS_BASE_URL: list.baseUrl, KPLUG_DEBUG: 'true' };
    const fetched = await kplug(['plugins', 'fetch', item, '--plugins-dir', trial.directory], { env });
    expect(fetched.stderr).toContain('401 Unauthorized');
    const all = JSON.stringify([trial.log, trial.folder.list(), trial.folder.downloads(), shown, fetched]);
    expect(all).toContain('401 Unauthorized');
    expect(all).not.toContain(secret);
  });
});

describe('a server', () => {
  it('that sends a byte now and then is given up', async () => {
    // Without the defence a download holds its place and its connection for ever.
    const server = await ReleaseServer.start();
    const timers: NodeJS.Timeout[] = [];
    server.serve(item, (response) => {
      response.writeHead(200);
      timers.push(setInterval(() => response.write('x'), 5));
    });
    const failure = fetchInto(item, { baseUrl: server.url, timeout: 200 });
    await expect(failure).rejects.toMatchObject({ message: 'the download took longer than 200 ms', isLasting: false });
    for (const timer of timers) clearInterval(timer);
  });

  it('that announces little and sends without end is cut off at the limit', async () => {
    // Without the defence a download fills the disk.
    const server = await ReleaseServer.start();
    let sent = 0;
    server.serve(item, (response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(64 * 1_024);
      const send = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', send);
      send();
    });
    const failure = fetchInto(item, { baseUrl: server.url, maxBytes: 2 ** 20 });
    await expect(failure).rejects.toThrow('is larger than 1 MiB, the limit for archives');
    await vi.waitFor(() => expect(sent).toBeLessThan(64 * 2 ** 20), waitOptions);
  });

  it('that compresses the archive again gives the bytes that it stores', async () => {
    // Without the defence a small response becomes a large one before its size is checked.
    const server = await ReleaseServer.start();
    server.serve(item, (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(archive));
    await expect(fetchInto(pinned, { baseUrl: server.url })).resolves.toMatchObject({ sha256: sha256Of(archive) });
  });

  it('that sends control characters writes none into messages', async () => {
    // Without the defence a server moves the cursor in the terminal of the administrator.
    const server = await ReleaseServer.start();
    server.serve(item, (response) => {
      response.socket?.end('HTTP/1.1 403 no\x1b[2J\u009b\r\ncontent-length: 0\r\n\r\n', 'latin1');
    });
    const error = await fetchInto(item, { baseUrl: server.url }).catch((error: Error) => error);
    expect((error as Error).message).not.toMatch(/[^\x20-\x7e]/);
  });
});

/** Returns the texts of an error and its causes, with all properties. */
function describeAll(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const properties = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)));
  return [...properties, describeAll(error.cause)].join('\n');
}
