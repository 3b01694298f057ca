import { mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WatchedFile } from './watched-file.ts';

let directory: string;
let path: string;
let file: WatchedFile;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kplug-watched-'));
  path = join(directory, 'file');
  file = new WatchedFile(path, 'test file (KPLUG_TEST)', 100);
});

afterEach(() => rm(directory, { recursive: true }));

it('returns the same object until the content changes', async () => {
  await writeFile(path, 'one');
  const first = file.read();
  expect(file.read()).toBe(first);
  await writeFile(path, 'one');
  expect(file.read()).toBe(first);
  // The same size, and maybe the same time.
  await writeFile(path, 'two');
  expect(String(file.read())).toBe('two');
});

it('follows a symbolic link that is replaced', async () => {
  await writeFile(join(directory, 'a'), 'one');
  await writeFile(join(directory, 'b'), 'two');
  await symlink('a', path);
  expect(String(file.read())).toBe('one');
  await symlink('b', join(directory, 'next'));
  await rename(join(directory, 'next'), path);
  expect(String(file.read())).toBe('two');
});

it('names the file and its setting in errors', async () => {
  expect(() => file.read()).toThrow(`the test file (KPLUG_TEST) ${path} does not exist`);
  await writeFile(path, '');
  await truncate(path, 101);
  expect(() => file.read()).toThrow('it has 101 bytes; the limit is 100');
  expect(() => new WatchedFile(directory, 'test file', 100).read()).toThrow('not a regular file');
});
