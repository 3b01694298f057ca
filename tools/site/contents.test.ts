import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { indexPage } from '../docs/index-page.ts';
import { contents, slugOf } from './contents.ts';
import { sitePages } from './stage-pages.ts';

const repository = resolve(import.meta.dirname, '../..');
const files = contents.flatMap(({ entries }) => entries.map(({ file }) => file));

it('every page is in the sidebar; decisions are reached by their list', () => {
  const isDecision = (file: string) => /^docs\/decisions\/\d/.test(file);
  expect(sitePages(repository).filter((file) => !isDecision(file))).toEqual(files.toSorted());
});

it('every page has a path of its own on the site', () => {
  const slugs = sitePages(repository).map(slugOf);
  expect(new Set(slugs).size).toBe(slugs.length);
  expect(slugOf('docs/decisions/README.md')).toBe('decisions');
  expect(slugOf('SECURITY.md')).not.toBe(slugOf('docs/security.md'));
});

it('the index of docs/ is up to date; `pnpm generate:docs` writes it', () => {
  const { file, content } = indexPage();
  expect(readFileSync(file, 'utf8')).toBe(content);
});
