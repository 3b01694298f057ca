import { readFileSync, writeFileSync } from 'node:fs';
import { operatorConfigurationPage } from './docs/operator-configuration.ts';

/** `pnpm generate:docs`: updates the generated parts of `docs/`. A test fails when they are out of date. */
const { file, content } = operatorConfigurationPage();
if (readFileSync(file, 'utf8') !== content) {
  writeFileSync(file, content);
  console.log(`wrote ${file}`);
}
