import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Root of the repository. */
export const root = join(import.meta.dirname, '../..');

/** A block of code of a document. */
export interface Snippet {
  /** Path of the document, relative to the root. */
  document: string;
  /** Line of the document at which the block starts. */
  line: number;
  language: string;
  code: string;
}

/** Documents without code that users type: generated reports, and notes about changes. */
const ignored = /(\.api\.md|CHANGELOG\.md)$|^(\.changeset|docs\/decisions)\//;

/** Returns the blocks of code in one of the languages, of all documents of the repository. */
export function snippetsIn(...languages: readonly string[]): Snippet[] {
  const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  });
  return documents
    .split('\n')
    .filter((document) => document && !ignored.test(document))
    .flatMap((document) => readSnippets(document))
    .filter(({ language }) => languages.includes(language));
}

/** Returns the blocks of code of a document. */
export function readSnippets(document: string): Snippet[] {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(/^( *)```(\w+)\n(.*?)^\1```$/gms)].map(
    ({ index, 1: indent = '', 2: language = '', 3: code = '' }) => ({
      document,
      line: text.slice(0, index).split('\n').length,
      language,
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );
}

/** Returns the place of a snippet, for the titles of tests. */
export function placeOf({ document, line }: Snippet): string {
  return `${document}:${line}`;
}
