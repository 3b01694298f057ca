import { readFileSync, writeFileSync } from 'node:fs';
import { limitsPage } from './docs/limits.ts';
import { operatorConfigurationPage } from './docs/operator-configuration.ts';

/** `pnpm generate:docs`: updates the generated parts of `docs/`. A test fails when they are out of date. */
for (const { file, content } of [operatorConfigurationPage(), limitsPage()]) {
  if (readFileSync(file, 'utf8') === content) continue;
  writeFileSync(file, content);
  console.log(`wrote ${file}`);
}
