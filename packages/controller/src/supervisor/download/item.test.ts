import { describe, expect, it } from 'vitest';
import { parsePluginItem, parsePluginList } from './item.ts';
import { urlsOf } from './source.ts';

describe('parsePluginList', () => {
  it('parses items with any spacing', () => {
    const sha256 = 'AB'.repeat(32);
    expect(parsePluginList(` example/a@v1.0.0 , example/b@2#sha256:${sha256},`)).toEqual([
      { text: 'example/a@v1.0.0', organization: 'example', repository: 'a', release: 'v1.0.0' },
      {
        text: `example/b@2#sha256:${sha256}`,
        organization: 'example',
        repository: 'b',
        release: '2',
        sha256: sha256.toLowerCase(),
      },
    ]);
    expect(parsePluginList('')).toEqual([]);
  });

  it.each(['a', 'a/b', 'a/b@', 'a/../b@1', '../a@1', 'a/b@..', 'a/b@1#sha256:12', 'a/b@1#md5:12', 'a/b/c@1'])(
    'refuses %s',
    (item) => expect(() => parsePluginList(item)).toThrow(/is not a plugin to download; use ORG/),
  );

  it('refuses the same repository twice', () => {
    expect(() => parsePluginList('a/b@1,a/b@2')).toThrow('a/b is in the list of plugins twice; remove one');
  });
});

it('urlsOf returns the URLs of release archives, and refuses invalid URLs', () => {
  const item = parsePluginItem('example/a@v1.0.0');
  const machine = { platform: 'linux', arch: 'x64' };
  expect(urlsOf(item, {}, machine).map(String)).toEqual([
    'https://github.com/example/a/releases/download/v1.0.0/kplug_plugin_linux_amd64.tar.gz',
    'https://github.com/example/a/releases/download/v1.0.0/kplug_plugin_linux.tar.gz',
  ]);
  expect(() => urlsOf(item, { baseUrl: 'file:///etc' })).toThrow('invalid base URL "file:///etc"');
  expect(() => urlsOf(item, { namePattern: '../{os}' })).toThrow('invalid name pattern "../{os}"');
});
