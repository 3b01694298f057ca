import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { chartDocuments } from './charts/documents.ts';

/** `pnpm generate:charts`: brings what is derived in `charts/` up to date. A test fails when it isn't. */
for (const { file, content } of chartDocuments()) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
  writeFileSync(file, content);
  console.log(`${file} is new`);
}
