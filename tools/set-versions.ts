import { readFileSync, writeFileSync } from 'node:fs';

/** Part of `pnpm release:version`: copies the version in the `package.json` of each package that reports it into its `src/version.ts`. */
for (const name of ['controller', 'sdk', 'operator', 'cli']) {
  const { version } = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8')) as { version: string };
  const file = `packages/${name}/src/version.ts`;
  const source = readFileSync(file, 'utf8');
  writeFileSync(file, source.replace(/^export const version = '.*';$/m, `export const version = '${version}';`));
}
