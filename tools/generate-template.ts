import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { exampleDocuments, exampleFolder } from './template/documents.ts';

/** `pnpm generate:template`: updates the files that are generated from `packages/cli/templates`. A test fails when they are out of date. */
function write({ file, content }: { file: string; content: string }): void {
  if (read(file) === content) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  console.log(`wrote ${file}`);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

rmSync(exampleFolder, { recursive: true, force: true });
for (const document of await exampleDocuments()) write(document);
