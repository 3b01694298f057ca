import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findChromium } from './find-chromium.ts';

it('finds Chromium on PATH, or where CHROMIUM says', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kplug-chromium-'));
  const { path } = folder;
  expect(findChromium({ PATH: path })).toBeUndefined();
  await writeFile(join(path, 'google-chrome'), '');
  expect(findChromium({ PATH: `/nowhere:${path}` })).toBe(join(path, 'google-chrome'));
  await writeFile(join(path, 'mine'), '');
  expect(findChromium({ PATH: path, CHROMIUM: join(path, 'mine') })).toBe(join(path, 'mine'));
  expect(() => findChromium({ PATH: path, CHROMIUM: '/nowhere/mine' })).toThrow('CHROMIUM names /nowhere/mine, which');
});
