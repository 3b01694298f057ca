import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { indexPage } from './docs/index-page.ts';
import { limitsPage } from './docs/limits.ts';
import { operatorConfigurationPage } from './docs/operator-configuration.ts';
import { performancePage } from './docs/performance.ts';
import { referencePages } from './docs/reference/pages.ts';

/** `pnpm generate:docs`: updates the generated parts of `docs/`. A test fails when they are out of date. */
for (const { file, content } of [
  operatorConfigurationPage(),
  limitsPage(),
  indexPage(),
  performancePage(),
  ...referencePages(),
]) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
  writeFileSync(file, content);
  console.log(`wrote ${file}`);
}
