import { readFileSync, writeFileSync } from 'node:fs';
import { operatorConfigurationPage } from './docs/operator-configuration.ts';

/** `pnpm generate:docs`: brings what is derived in `docs/` up to date. A test fails when it isn't. */
const { file, content } = operatorConfigurationPage();
if (readFileSync(file, 'utf8') !== content) {
  writeFileSync(file, content);
  console.log(`${file} is new`);
}
