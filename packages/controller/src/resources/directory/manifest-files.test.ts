import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManifestFiles, type SettleTimes } from './manifest-files.ts';
import { TestDirectory, table } from './testing.ts';

const atOnce: SettleTimes = { changed: 0, vanished: 0 };
const never: SettleTimes = { changed: 3_600_000, vanished: 3_600_000 };

describe('ManifestFiles', () => {
  let directory: TestDirectory;
  let files: ManifestFiles;

  beforeEach(async () => {
    directory = await TestDirectory.make();
    files = new ManifestFiles(directory.path);
  });

  afterEach(() => directory[Symbol.asyncDispose]());

  function names(): Record<string, string[] | undefined> {
    const entries = [...files.contents()].map(([path, content]) => [
      path,
      content?.manifests.map(({ manifest }) => manifest.metadata.name),
    ]);
    return Object.fromEntries(entries);
  }

  it('finds manifests in sub-folders, and ignores dot files and other files', async () => {
    await directory.write('b.yml', table('b'));
    await directory.write('a/a.YAML', table('a'));
    await directory.write('a/deep/c.json', '{"apiVersion":"v1","kind":"Thing","metadata":{"name":"c"}}');
    await directory.write('.kplug/resources/x.json', '{}');
    await directory.write('.git/x.yaml', table('x'));
    await directory.write('.hidden.yaml', table('x'));
    await directory.write('README.md', 'x');
    await directory.write('b.yml~', 'x');
    await mkdir(join(directory.path, 'folder.yaml'));
    await symlink('b.yml', join(directory.path, 'link.yaml'));
    await symlink('nowhere.yml', join(directory.path, 'dangling.yaml'));
    await symlink('.', join(directory.path, 'circle'));
    expect(await files.scan(atOnce)).toEqual({ problems: [] });
    expect(names()).toEqual({ 'a/a.YAML': ['a'], 'a/deep/c.json': ['c'], 'b.yml': ['b'], 'link.yaml': ['b'] });
    expect(Object.keys(names())).toEqual(['a/a.YAML', 'a/deep/c.json', 'b.yml', 'link.yaml']);
  });

  it('waits until a file has settled', async () => {
    await directory.write('a.yaml', table('a'));
    expect((await files.scan(never)).again).toBeGreaterThan(3_000_000);
    expect(names()).toEqual({ 'a.yaml': undefined });
    await files.scan(atOnce);
    await directory.write('a.yaml', table('changed'));
    await directory.write('a.yaml', table('changed-again'));
    expect((await files.scan({ changed: 20, vanished: 3_600_000 })).again).toBeLessThanOrEqual(20);
    expect(names()).toEqual({ 'a.yaml': ['a'] });
    await sleep(20);
    await files.scan({ changed: 20, vanished: 3_600_000 });
    expect(names()).toEqual({ 'a.yaml': ['changed-again'] });
  });

  it('waits longer for a file that is empty or gone, until it is back', async () => {
    const patient: SettleTimes = { changed: 0, vanished: 3_600_000 };
    await directory.write('a.yaml', table('a'));
    await directory.write('b.yaml', table('b'));
    await files.scan(patient);
    await directory.write('a.yaml', '');
    await directory.remove('b.yaml');
    expect((await files.scan(patient)).again).toBeGreaterThan(3_000_000);
    expect(names()).toEqual({ 'a.yaml': ['a'], 'b.yaml': ['b'] });
    await directory.write('a.yaml', table('back'));
    await directory.write('b.yaml', table('b'));
    expect(await files.scan(patient)).toEqual({ problems: [] });
    expect(names()).toEqual({ 'a.yaml': ['back'], 'b.yaml': ['b'] });
    await directory.write('a.yaml', '');
    await directory.remove('b.yaml');
    await files.scan(atOnce);
    expect(names()).toEqual({ 'a.yaml': [] });
  });

  it('reads a touched file again, even with the same fingerprint', async () => {
    await directory.write('a.yaml', table('a'));
    await files.scan(atOnce);
    const read = files.contents().get('a.yaml');
    await files.scan(atOnce);
    expect(files.contents().get('a.yaml')).toBe(read);
    files.touch('a.yaml');
    await files.scan(atOnce);
    expect(files.contents().get('a.yaml')).not.toBe(read);
  });

  it('expects known files', async () => {
    files.expect(['gone.yaml']);
    expect((await files.scan(never)).again).toBeGreaterThan(0);
    expect(names()).toEqual({ 'gone.yaml': undefined });
    await files.scan(atOnce);
    expect(names()).toEqual({});
  });

  it('reports a file that is too large or not a text', async () => {
    await directory.write('large.yaml', `#${'x'.repeat(4 * 1024 * 1024)}`);
    await writeFile(join(directory.path, 'binary.yaml'), Buffer.from([0x61, 0xff, 0xfe]));
    await files.scan(atOnce);
    const problems = [...files.contents().values()].flatMap((content) => content?.problems ?? []);
    expect(problems.map(({ file, message }) => [file, message])).toEqual([
      [join(directory.path, 'binary.yaml'), 'The file is not UTF-8 text.'],
      [join(directory.path, 'large.yaml'), 'The file is larger than 4 MiB; split it.'],
    ]);
  });

  it('rejects when the directory is gone, without losing content', async () => {
    await directory.write('a.yaml', table('a'));
    await files.scan(atOnce);
    await directory.remove('');
    await expect(files.scan(atOnce)).rejects.toThrow('ENOENT');
    expect(names()).toEqual({ 'a.yaml': ['a'] });
  });
});
