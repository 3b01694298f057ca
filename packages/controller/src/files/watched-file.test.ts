import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { WatchedFile } from './watched-file.ts';

const soon = { timeout: 20_000, interval: 10 };

let folder: string;
let problems: (string | undefined)[];

beforeEach(async () => {
  problems = [];
  folder = await mkdtemp(join(tmpdir(), 'kplug-watched-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

async function open(name: string): Promise<WatchedFile<number>> {
  const file = await WatchedFile.open({
    path: join(folder, name),
    parse: (text) => {
      if (!/^\d+$/.test(text)) throw new Error(`"${text}" is not a number`);
      return Number(text);
    },
    ...{ maxSize: 10, scanInterval: 60_000, settleTime: 10 },
    onProblem: (problem) => void problems.push(problem),
  });
  onTestFinished(() => file.close());
  return file;
}

it('follows a file that is written in place or replaced, and keeps its value while the file is broken', async () => {
  const path = join(folder, 'number');
  await writeFile(path, '1');
  const file = await open('number');
  await writeFile(path, '2');
  await vi.waitFor(() => expect(file.value).toBe(2), soon);
  await writeFile(join(folder, 'other'), '3');
  await rename(join(folder, 'other'), path);
  await vi.waitFor(() => expect(file.value).toBe(3), soon);
  await writeFile(path, 'x');
  await vi.waitFor(() => expect(file.problem).toBe('"x" is not a number'), soon);
  expect(file.value).toBe(3);
  await writeFile(path, '4');
  await vi.waitFor(() => expect(file.value).toBe(4), soon);
  expect(problems).toEqual(['"x" is not a number', undefined]);
});

it('follows a file in a volume of Kubernetes, whose content is replaced by a link', async () => {
  for (const number of ['1', '2']) {
    await mkdir(join(folder, `..${number}`));
    await writeFile(join(folder, `..${number}`, 'number'), number);
  }
  await symlink('..1', join(folder, '..data'));
  await symlink('..data/number', join(folder, 'number'));
  const file = await open('number');
  expect(file.value).toBe(1);
  await symlink('..2', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await vi.waitFor(() => expect(file.value).toBe(2), soon);
});

it('rejects a file that cannot be used', async () => {
  await expect(open('missing')).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  await writeFile(join(folder, 'huge'), '1'.repeat(11));
  await expect(open('huge')).rejects.toThrow('has 11 bytes; at most 10 are accepted');
  await expect(open('.')).rejects.toMatchObject({ code: 'InvalidConfiguration' });
});
