import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeNewFiles } from './new-folder.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kplug-new-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** Files of which the last one cannot be written, as it is a folder. */
const files = new Map([
  ['README.md', 'read'],
  ['samples/one.yaml', 'one'],
  ['manifests/kind/crd.yaml', 'kind'],
  ['samples', 'not a folder'],
]);

it('removes what it has written when a file cannot be written, and nothing else', async () => {
  await mkdir(join(folder, 'mine/manifests'), { recursive: true });
  await writeFile(join(folder, 'mine/manifests/own.yaml'), 'own');
  const written = writeNewFiles(join(folder, 'mine'), files);
  await expect(written).rejects.toThrow(/^cannot write the files: E\w+: .*samples'$/);
  expect((await readdir(folder, { recursive: true })).sort()).toEqual([
    'mine',
    'mine/manifests',
    'mine/manifests/own.yaml',
  ]);
});

it('removes the folders above a new one, too', async () => {
  await expect(writeNewFiles(join(folder, 'new/deep'), files)).rejects.toThrow('cannot write the files');
  expect(await readdir(folder)).toEqual([]);
});

it('keeps a file that appeared meanwhile', async () => {
  await writeFile(join(folder, 'README.md'), 'mine');
  await expect(writeNewFiles(folder, files)).rejects.toThrow('EEXIST');
  expect(await readFile(join(folder, 'README.md'), 'utf8')).toBe('mine');
});
