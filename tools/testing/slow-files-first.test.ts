import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { slowFiles } from './slow-files-first.ts';

it('names files that exist', () => {
  const cwd = join(import.meta.dirname, '../..');
  const exclude = ['**/node_modules', '**/dist', '**/templates'];
  const files = globSync('{packages,examples,bench,test,charts}/**/*.test.ts', { cwd, exclude });
  const missing = slowFiles.filter((end) => !files.some((file) => `/${file}`.endsWith(`/${end}`)));
  expect(missing).toEqual([]);
});
