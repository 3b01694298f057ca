import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { readPage } from '../src/index.ts';
import { describeSize } from './budget.ts';
import { buildFiles } from './build-files.ts';
import type { BuiltFile } from './built-file.ts';

let built: BuiltFile[];
beforeAll(async () => {
  built = await buildFiles();
});

const textOf = ({ gzip }: { gzip: Uint8Array }) => gunzipSync(gzip).toString('utf8');

it('is what an operator serves; if this fails, run node packages/page/build.ts', async () => {
  const served = await readPage();
  expect(served.map(({ path, etag }) => [path, etag])).toEqual(built.map(({ path, etag }) => [path, etag]));
  expect(served.map(({ gzip }) => gzip.length)).toEqual(built.map(({ gzip }) => gzip.length));
});

it('has names by content, and the type of each file', () => {
  const kinds = built.map(({ path, contentType }) => [path.replace(/-[\w-]{8,}\./, '-HASH.'), contentType]);
  expect(kinds).toContainEqual(['/', 'text/html; charset=utf-8']);
  expect(kinds).toContainEqual(['/assets/main-HASH.js', 'text/javascript; charset=utf-8']);
  expect(kinds).toContainEqual(['/assets/main-HASH.css', 'text/css; charset=utf-8']);
});

it('loads what it needs by relative URLs only, and the libraries of charts and graphs later', () => {
  const [page] = built;
  const html = page ? textOf(page) : '';
  const urls = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, url]) => url);
  expect(urls).toHaveLength(3);
  for (const url of urls) expect(url).toMatch(/^assets\/[\w-]+\.(js|css|svg)$/);
  expect(html).not.toMatch(/style=|<style|<script>/);
  expect(built.filter(({ path }) => path.endsWith('.js'))).toHaveLength(3);
});

it('names no other host, but in the names of XML', () => {
  const hosts = built.flatMap((file) => [...textOf(file).matchAll(/https?:\/\/([\w.-]+)/g)].map(([, host]) => host));
  const known = new Set(['www.w3.org']);
  expect([...new Set(hosts)].filter((host) => !known.has(host ?? ''))).toEqual([]);
});

it('fails when it is too large', () => {
  expect(describeSize(built)).toContain('KB of 150.0 KB');
  expect(() => describeSize(built, 10_000)).toThrow('the page is too large');
});
