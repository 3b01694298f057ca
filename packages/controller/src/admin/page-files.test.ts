import { gzipSync } from 'node:zlib';
import type { PageFile } from '@kplug/page';
import { expect, it, onTestFinished } from 'vitest';
import { AdminServer, type AdminServerOptions } from './admin-server.ts';
import type { ReadPage } from './page-files.ts';

const html = '<!doctype html><title>Kplug</title>';
const files: PageFile[] = [
  { path: '/', contentType: 'text/html; charset=utf-8', gzip: gzipSync(html), etag: '"one"' },
  { path: '/assets/main-1a2b.js', contentType: 'text/javascript', gzip: gzipSync('run()'), etag: '"two"' },
];

async function start(page: ReadPage | undefined = async () => files, options: AdminServerOptions = {}) {
  const server = new AdminServer({ notReady: () => [], routes: () => undefined, page }, options);
  await server.listen('127.0.0.1:0', 'adminAddress');
  onTestFinished(() => server.close());
  return `http://${server.address}`;
}

it('serves the page and its files', async () => {
  const url = await start();
  const response = await fetch(url);
  expect([response.status, await response.text()]).toEqual([200, html]);
  const { headers } = response;
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(headers.get('content-encoding')).toBe('gzip');
  expect(headers.get('vary')).toBe('accept-encoding');
  expect(headers.get('cache-control')).toBe('private, no-cache');
  const script = await fetch(`${url}/assets/main-1a2b.js`);
  expect(await script.text()).toBe('run()');
  expect(script.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
});

it('lets the page load and call nothing but this port, and nobody embed it', async () => {
  const { headers } = await fetch(await start());
  expect(headers.get('content-security-policy')).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
});

it.each([
  ['gzip, deflate, br', 'gzip'],
  ['GZIP;q=0.5', 'gzip'],
  ['*', 'gzip'],
  ['gzip;q=0', null],
  ['gzip;q=0.000, *', null],
  ['br', null],
  ['identity', null],
])('sends a client that accepts %s the encoding %s', async (accepted, encoding) => {
  const response = await fetch(await start(), { headers: { 'accept-encoding': accepted } });
  expect(response.headers.get('content-encoding')).toBe(encoding);
  expect(await response.text()).toBe(html);
});

it('sends nothing again that the client has', async () => {
  const url = await start();
  for (const known of ['W/"one"', '"zero", "one"', '*']) {
    const response = await fetch(url, { headers: { 'if-none-match': known } });
    expect([known, response.status, await response.text()]).toEqual([known, 304, '']);
    expect(response.headers.get('etag')).toBe('W/"one"');
  }
  expect((await fetch(url, { headers: { 'if-none-match': '"two"' } })).status).toBe(200);
});

it('answers HEAD without a body, and other methods with 404', async () => {
  const url = await start();
  const head = await fetch(url, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(0);
  const post = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  expect(post.status).toBe(404);
});

it('names the page in the advice for unknown paths, unless there is none', async () => {
  const advice = 'not found; try /, /healthz, /readyz or POST /kplug.v1.RegistryService/ListPlugins\n';
  expect(await (await fetch(`${await start()}/nowhere`)).text()).toBe(advice);
  const server = new AdminServer({ notReady: () => [] });
  await server.listen('127.0.0.1:0', 'adminAddress');
  onTestFinished(() => server.close());
  const response = await fetch(`http://${server.address}/`);
  expect([response.status, await response.text()]).toEqual([404, 'not found; try /healthz or /readyz\n']);
});

it('reads the files at the first request, and again after a failure', async () => {
  let reads = 0;
  const url = await start(async () => {
    reads += 1;
    if (reads === 1) throw new Error('the disk is broken');
    return files;
  });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(reads).toBe(0);
  const failed = await fetch(url);
  expect([failed.status, await failed.text()]).toEqual([500, 'the disk is broken\n']);
  for (const path of ['/', '/assets/main-1a2b.js', '/']) expect((await fetch(url + path)).status).toBe(200);
  expect(reads).toBe(2);
});

it('tells people who may not read the port what to do, and hides the page from them', async () => {
  const url = await start(undefined, { authorize: () => ({ status: 401, message: 'the request has no token' }) });
  const page = await fetch(url, { headers: { accept: 'text/html,*/*;q=0.8' } });
  expect(page.status).toBe(401);
  expect(await page.text()).toBe(
    'the request has no token\n\nTo open the page with your own rights, run: kplug ui\nSee also docs/page.md.\n',
  );
  expect(page.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect((await fetch(`${url}/assets/main-1a2b.js`)).status).toBe(401);
});
