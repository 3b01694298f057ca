import { mkdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseManifests } from '../manifest.ts';
import { MemoryResources } from '../memory/memory-resources.ts';
import type { SettleTimes } from './judge-change.ts';
import { ManifestFiles } from './manifest-files.ts';
import { documents, TestDirectory, table } from './testing.ts';

const immediately = settleTimes(0, 0);
const never = settleTimes(3_600_000, 3_600_000);

/** @param lost time for files that are gone or have fewer resources. */
function settleTimes(changed: number, lost: number): SettleTimes {
  return { changed, vanished: lost, rewritten: lost, hiddenRewritten: lost, maxChanging: 7_200_000 };
}

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
    expect(await files.scan(immediately)).toEqual({ hasSettled: true, isEmpty: false, problems: [] });
    expect(names()).toEqual({ 'a/a.YAML': ['a'], 'a/deep/c.json': ['c'], 'b.yml': ['b'], 'link.yaml': ['b'] });
    expect(Object.keys(names())).toEqual(['a/a.YAML', 'a/deep/c.json', 'b.yml', 'link.yaml']);
  });

  it('waits until a file has settled', async () => {
    await directory.write('a.yaml', table('a'));
    expect((await files.scan(never)).again).toBeGreaterThan(3_000_000);
    expect(names()).toEqual({ 'a.yaml': undefined });
    await files.scan(immediately);
    await directory.write('a.yaml', table('changed'));
    await directory.write('a.yaml', table('changed-again'));
    expect((await files.scan(settleTimes(20, 20))).again).toBeLessThanOrEqual(20);
    expect(names()).toEqual({ 'a.yaml': ['a'] });
    await sleep(20);
    await files.scan(settleTimes(20, 20));
    expect(names()).toEqual({ 'a.yaml': ['changed-again'] });
  });

  it('waits longer for a file that is empty or gone, until it is back', async () => {
    const patient = settleTimes(0, 3_600_000);
    await directory.write('a.yaml', table('a'));
    await directory.write('b.yaml', table('b'));
    await files.scan(patient);
    await directory.write('a.yaml', '');
    await directory.remove('b.yaml');
    expect((await files.scan(patient)).again).toBeGreaterThan(3_000_000);
    expect(names()).toEqual({ 'a.yaml': ['a'], 'b.yaml': ['b'] });
    await directory.write('a.yaml', documents(table('a'), table('back')));
    await directory.write('b.yaml', table('b'));
    expect(await files.scan(patient)).toEqual({ hasSettled: true, isEmpty: false, problems: [] });
    expect(names()).toEqual({ 'a.yaml': ['a', 'back'], 'b.yaml': ['b'] });
    await directory.remove('b.yaml');
    await files.scan(immediately);
    expect(names()).toEqual({ 'a.yaml': ['a', 'back'] });
  });

  it('keeps what an empty file defined, until the file is deleted or another one defines it', async () => {
    const text = documents(table('a'), table('b'));
    const resources = new MemoryResources();
    const defined = parseManifests(text, { file: 'a.yaml' }).manifests.map(({ manifest }) => resources.apply(manifest));
    files = new ManifestFiles(directory.path, () => new Map([['a.yaml', defined]]));
    await directory.write('a.yaml', '# nothing yet\n');
    const message =
      'The file no longer has any resource. The resources that it defined are kept: Table default/a, Table default/b; ' +
      'restore the content, or delete the file to delete them.';
    const kept = { hasSettled: true, isEmpty: false, problems: [{ file: join(directory.path, 'a.yaml'), message }] };
    expect(await files.scan(immediately)).toEqual(kept);
    expect(await files.scan(immediately)).toEqual(kept);
    expect(files.contents().get('a.yaml')).toMatchObject({ manifests: [], keepsLost: true });
    await directory.write('c.yaml', text);
    expect(await files.scan(immediately)).toEqual({ hasSettled: true, isEmpty: false, problems: [] });
    expect(files.contents().get('a.yaml')).not.toHaveProperty('keepsLost');
  });

  it('accepts a complete file that was renamed into place sooner than one that was overwritten', async () => {
    const times: SettleTimes = { ...settleTimes(0, 3_600_000), vanished: 0 };
    await directory.write('a.yaml', documents(table('a'), table('b')));
    await directory.write('b.yaml', documents(table('c'), table('d')));
    await files.scan(immediately);
    await directory.write('.next', table('a'));
    await utimes(join(directory.path, '.next'), 1, 1);
    await rename(join(directory.path, '.next'), join(directory.path, 'a.yaml'));
    await directory.write('b.yaml', table('c'));
    expect((await files.scan(times)).again).toBeGreaterThan(3_000_000);
    expect(names()).toEqual({ 'a.yaml': ['a'], 'b.yaml': ['c', 'd'] });
  });

  it('accepts the files of a folder that was swapped, by renaming or by a link, sooner too', async () => {
    const times: SettleTimes = { ...settleTimes(0, 3_600_000), vanished: 0 };
    for (const version of ['one', 'two']) {
      const tables = documents(...(version === 'one' ? ['a', 'b'] : ['a']).map((name) => table(name)));
      await directory.write(`..${version}/a.yaml`, tables);
      await directory.write(`.folder-${version}/b.yaml`, tables.replaceAll('name: ', 'name: b-'));
    }
    await symlink('..one', join(directory.path, '..data'));
    await symlink('..data/a.yaml', join(directory.path, 'a.yaml'));
    await rename(join(directory.path, '.folder-one'), join(directory.path, 'folder'));
    await files.scan(immediately);
    expect(names()).toEqual({ 'a.yaml': ['a', 'b'], 'folder/b.yaml': ['b-a', 'b-b'] });
    await symlink('..two', join(directory.path, '..next'));
    await rename(join(directory.path, '..next'), join(directory.path, '..data'));
    await rename(join(directory.path, 'folder'), join(directory.path, '.folder-old'));
    await rename(join(directory.path, '.folder-two'), join(directory.path, 'folder'));
    expect(await files.scan(times)).toEqual({ hasSettled: true, isEmpty: false, problems: [] });
    expect(names()).toEqual({ 'a.yaml': ['a'], 'folder/b.yaml': ['b-a'] });
  });

  it('keeps what a dangling link defined', async () => {
    await directory.write('.target', table('a'));
    await symlink('.target', join(directory.path, 'a.yaml'));
    await files.scan(immediately);
    await directory.remove('.target');
    const { problems } = await files.scan(immediately);
    expect(problems).toEqual([
      { file: join(directory.path, 'a.yaml'), message: expect.stringContaining('a missing file') },
    ]);
    expect(names()).toEqual({ 'a.yaml': ['a'] });
    await directory.remove('a.yaml');
    await files.scan(immediately);
    expect(names()).toEqual({});
  });

  it('reports a file that keeps changing, and lets no other file wait for it', async () => {
    await directory.write('a.yaml', table('a'));
    await files.scan(immediately);
    await directory.write('a.yaml', table('a', 2));
    const message = 'The file keeps changing. Its previous content applies until it has been unchanged for 1 s.';
    await vi.waitFor(async () => {
      files.touch('a.yaml');
      const result = await files.scan({ ...settleTimes(1_000, 1_000), maxChanging: 1_000 });
      expect(result).toMatchObject({ hasSettled: true, problems: [{ message }] });
    });
    expect(names()).toEqual({ 'a.yaml': ['a'] });
  });

  it('reads a touched file again, even with the same fingerprint', async () => {
    await directory.write('a.yaml', table('a'));
    await files.scan(immediately);
    const read = files.contents().get('a.yaml');
    await files.scan(immediately);
    expect(files.contents().get('a.yaml')).toBe(read);
    files.touch('a.yaml');
    await files.scan(immediately);
    expect(files.contents().get('a.yaml')).not.toBe(read);
  });

  it('expects known files', async () => {
    files.expect(['gone.yaml']);
    expect((await files.scan(never)).again).toBeGreaterThan(0);
    expect(names()).toEqual({ 'gone.yaml': undefined });
    await files.scan(immediately);
    expect(names()).toEqual({});
  });

  it('reports a file that is too large or not a text', async () => {
    await directory.write('large.yaml', `#${'x'.repeat(4 * 1024 * 1024)}`);
    await writeFile(join(directory.path, 'binary.yaml'), Buffer.from([0x61, 0xff, 0xfe]));
    await files.scan(immediately);
    const problems = [...files.contents().values()].flatMap((content) => content?.problems ?? []);
    expect(problems.map(({ file, message }) => [file, message])).toEqual([
      [join(directory.path, 'binary.yaml'), 'The file is not UTF-8 text.'],
      [join(directory.path, 'large.yaml'), 'The file is larger than 4 MiB; split it.'],
    ]);
  });

  it('rejects when the directory is gone, without losing content', async () => {
    await directory.write('a.yaml', table('a'));
    await files.scan(immediately);
    await directory.remove('');
    await expect(files.scan(immediately)).rejects.toThrow('ENOENT');
    expect(names()).toEqual({ 'a.yaml': ['a'] });
  });
});
