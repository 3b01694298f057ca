import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { chartDocuments } from './charts/documents.ts';

/** `pnpm generate:charts`: updates the generated parts of `charts/`. A test fails when they are out of date. */
for (const { file, content } of chartDocuments()) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
  writeFileSync(file, content);
  console.log(`wrote ${file}`);
}
