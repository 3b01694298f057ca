import { chmod, chown, mkdtemp, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findWriterVisibility } from './writer-visibility.ts';

it('is true for files that no other user may write, on the file system of this machine', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-visibility-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'file');
  await writeFile(file, 'content');
  const isVisible = await findWriterVisibility(folder);
  const { dev } = await stat('/');
  const namespace = await readlink('/proc/self/ns/pid').catch(() => undefined);
  const isOnMachine = namespace === 'pid:[4026531836]' || (await stat(file)).dev === dev;
  const visibility = async () => isVisible(await stat(file, { bigint: true }));
  await chmod(file, 0o644);
  expect(await visibility()).toBe(namespace !== undefined && isOnMachine);
  await chmod(file, 0o666);
  expect(await visibility()).toBe(false);
  await chmod(file, 0o644);
  if (process.getuid?.() !== 0) return;
  await chown(file, 4_321, 0);
  expect(await visibility()).toBe(false);
});

it.runIf(process.platform === 'linux')('is false for a file of another group that the group may write', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-visibility-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const isVisible = await findWriterVisibility(folder);
  const stats = await stat(folder, { bigint: true });
  const other = { uid: stats.uid, dev: stats.dev, mode: 0o664n, gid: stats.gid + 1n };
  expect(isVisible(other)).toBe(false);
});
