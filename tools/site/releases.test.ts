import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { assembleSite, releasesOf } from './releases.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kplug-site-'));
  return () => rmSync(folder, { recursive: true });
});

it('the site has the newest release of each minor version, the newest one at its root', () => {
  const tags = ['v1.9.0', 'v1.10.0', 'v1.10.2', 'v1.10.10', 'v2.0.0-rc.1', 'sdk-go/v1.10.0', 'v0.1.0', ''];
  expect(releasesOf(tags)).toEqual([
    { tag: 'v1.10.10', version: '1.10', folder: '' },
    { tag: 'v1.9.0', version: '1.9', folder: '1.9' },
    { tag: 'v0.1.0', version: '0.1', folder: '0.1' },
  ]);
  expect(releasesOf([])).toEqual([]);
  const many = Array.from({ length: 12 }, (_, minor) => `v1.${minor}.0`);
  expect(releasesOf(many).map(({ version }) => version)).toEqual(['1.11', '1.10', '1.9', '1.8', '1.7']);
});

it('each release is built for its own path, and the list of versions leads to all', () => {
  const output = join(folder, 'site');
  const site = { root: '/kplug/', repository: 'https://example.org/kplug', output };
  assembleSite(releasesOf(['v1.0.0', 'v1.1.0']), site, ({ tag }, variables) => {
    const built = join(folder, tag);
    mkdirSync(built);
    writeFileSync(join(built, 'index.html'), JSON.stringify(variables));
    return built;
  });
  const read = (file: string) => JSON.parse(readFileSync(join(output, file), 'utf8'));
  expect(read('versions.json')).toEqual([
    { version: '1.1', path: '/kplug/' },
    { version: '1.0', path: '/kplug/1.0/' },
  ]);
  expect(read('index.html')).toMatchObject({ KPLUG_SITE_BASE: '/kplug/', KPLUG_SITE_VERSION: '1.1' });
  expect(read('1.0/index.html')).toEqual({
    KPLUG_SITE_BASE: '/kplug/1.0/',
    KPLUG_SITE_ROOT: '/kplug/',
    KPLUG_SITE_VERSION: '1.0',
    KPLUG_SITE_SOURCES: 'https://example.org/kplug/blob/v1.0.0',
  });
});
