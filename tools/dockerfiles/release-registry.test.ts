import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../image/run.ts';
import { ReleaseRegistry } from './release-registry.ts';

/** Folder with the artifacts of a release, and what is beside it. */
function releaseFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'kplug-registry-'));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const folder = join(parent, 'release');
  for (const path of ['npm', 'python', 'go/kplug.dev/sdk-go/@v', '../package'])
    mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(
    join(parent, 'package/package.json'),
    JSON.stringify({ name: '@kplug/sdk', version: '0.1.0', bin: 'x.js' }),
  );
  run('tar', ['-czf', join(folder, 'npm/kplug-sdk-0.1.0.tgz'), '-C', parent, 'package']);
  writeFileSync(join(folder, 'python/kplug-0.1.0-py3-none-any.whl'), 'wheel');
  writeFileSync(join(folder, 'go/kplug.dev/sdk-go/@v/list'), 'v0.1.0\n');
  writeFileSync(join(parent, 'secret.txt'), 'secret');
  return folder;
}

it('serves the packages of a release to npm, pip and Go, and those of others from their registries', async () => {
  const folder = releaseFolder();
  await using registry = await ReleaseRegistry.start(folder);
  expect(registry.version).toBe('0.1.0');

  const packument = (await (await fetch(`${registry.url('npm')}@kplug%2fsdk`)).json()) as {
    'dist-tags': object;
    versions: Record<string, { bin: object; dist: { tarball: string; integrity: string } }>;
  };
  expect(packument['dist-tags']).toEqual({ latest: '0.1.0' });
  const { bin, dist } = packument.versions['0.1.0'] ?? { bin: {}, dist: { tarball: '', integrity: '' } };
  expect(bin).toEqual({ sdk: 'x.js' });
  const tarball = Buffer.from(await (await fetch(dist.tarball)).arrayBuffer());
  expect(tarball.equals(readFileSync(join(folder, 'npm/kplug-sdk-0.1.0.tgz')))).toBe(true);
  expect(dist.integrity).toBe(`sha512-${createHash('sha512').update(tarball).digest('base64')}`);

  const page = `${registry.url('python')}/kplug/`;
  const files = await fetch(page);
  expect(files.headers.get('content-type')).toBe('text/html');
  const [, wheel = ''] = /href="(.+\.whl)"/.exec(await files.text()) ?? [];
  expect(await (await fetch(new URL(wheel, page))).text()).toBe('wheel');
  expect(await (await fetch(`${registry.url('go')}/kplug.dev/sdk-go/@v/list`)).text()).toBe('v0.1.0\n');

  const zod = (await (await fetch(`${registry.url('npm')}zod/latest`)).json()) as { name: string };
  expect(zod.name).toBe('zod');
  const locationOf = async (url: string) => (await fetch(url, { redirect: 'manual' })).headers.get('location');
  expect(await locationOf(`${registry.url('python')}/msgspec/`)).toMatch(/^https?:.*\/simple\/msgspec\/$/);
  expect(await locationOf(`${registry.url('go')}/google.golang.org/grpc/@v/list`)).toMatch(
    /^https?:.*\/grpc\/@v\/list$/,
  );
  const outside = await fetch(`${registry.url('go')}/..%2f..%2fsecret.txt`, { redirect: 'manual' });
  expect(await outside.text()).not.toContain('secret');
});

it('needs the artifacts of a dry run', async () => {
  await expect(ReleaseRegistry.start('/nonexistent')).rejects.toThrow(/run `npx -y pnpm@12 release --dry-run` first/);
});
