import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { currentUser, describeExposure, exposureOf } from './exposure.ts';
import { findReadableByOthers } from './readable-by-others.ts';
import { findWritableByOthers } from './writable-by-others.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-exposure-'));
  return () => rm(folder, { recursive: true });
});

describe('exposureOf', () => {
  const me = { uid: 1_000, gid: 1_000 };

  it.each<[string, number, number, number, string | undefined]>([
    ['a file of the user', 0o644, 1_000, 1_000, undefined],
    ['a file of root', 0o644, 0, 0, undefined],
    ['a file of another user', 0o600, 1_001, 1_000, 'chown 1000 /a'],
    ['a file of the private group', 0o664, 1_000, 1_000, undefined],
    ['a file of root and the private group, as in a volume with fsGroup,', 0o2775, 0, 1_000, undefined],
    ['a file of another group', 0o664, 1_000, 100, 'chmod g-w /a'],
    ['a file of all', 0o666, 1_000, 1_000, 'chmod o-w /a'],
    ['a file of all and another group', 0o777, 0, 0, 'chmod go-w /a'],
  ])('of %s', (_, mode, uid, gid, remedy) => {
    expect(exposureOf('/a', { mode, uid, gid }, 'write', me)?.remedy).toBe(remedy);
  });

  it('does not take a group for private that has another number than the user', () => {
    const exposure = exposureOf('/a', { mode: 0o664, uid: 1_000, gid: 100 }, 'write', { uid: 1_000, gid: 100 });
    expect(exposure?.remedy).toBe('chmod g-w /a');
  });

  it('names path, mode, owner and remedy', () => {
    const exposure = exposureOf("/it's", { mode: 0o100646, uid: 0, gid: 0 }, 'write', me);
    expect(exposure && describeExposure(exposure)).toBe(
      "other users may change /it's (mode 0646, owner 0; the operator runs as 1000); run chmod o-w '/it'\\''s'",
    );
  });
});

it('findWritableByOthers follows links, and rejects for circles and missing files', async () => {
  await mkdir(join(folder, 'open'));
  await writeFile(join(folder, 'open/file'), '');
  await symlink('open/../open/file', join(folder, 'link'));
  expect(await findWritableByOthers(join(folder, 'link'))).toBeUndefined();
  await chmod(join(folder, 'open'), 0o777);
  expect(await findWritableByOthers(join(folder, 'link'))).toMatchObject({ path: join(folder, 'open'), mode: 0o777 });
  await symlink('b', join(folder, 'a'));
  await symlink('a', join(folder, 'b'));
  await expect(findWritableByOthers(join(folder, 'a'))).rejects.toThrow('more than 40 symbolic links');
  await expect(findWritableByOthers(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});

it('findReadableByOthers refuses a file with secrets that others may read or replace', async () => {
  const file = join(folder, 'tokens');
  await writeFile(file, '', { mode: 0o600 });
  expect(await findReadableByOthers(file)).toBeUndefined();
  await chmod(file, 0o604);
  const exposure = await findReadableByOthers(file);
  expect(exposure && describeExposure(exposure)).toContain(`other users may read ${file} (mode 0604, owner `);
  expect(exposure?.remedy).toBe(`chmod o-r ${file}`);
  await chmod(file, 0o600);
  await chmod(folder, 0o777);
  expect(await findReadableByOthers(file)).toMatchObject({ path: folder, access: 'write' });
  // Another user may read nothing of it, but belongs to it no more than others.
  const { uid = 0 } = currentUser() ?? {};
  expect(await findReadableByOthers(file, { uid: uid + 1, gid: uid + 1 })).toMatchObject(
    uid === 0 ? { path: folder } : { path: file },
  );
});
