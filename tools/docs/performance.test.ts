import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { performancePage } from './performance.ts';

it('the page of figures is up to date; `pnpm generate:docs` writes it', () => {
  const { file, content } = performancePage();
  expect(readFileSync(resolve(import.meta.dirname, '../..', file), 'utf8')).toBe(content);
});
