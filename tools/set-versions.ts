import { readFileSync, writeFileSync } from 'node:fs';

/** Part of `pnpm release:version`: copies the version in the `package.json` of each package that reports it into its `src/version.ts`, and that of the Go module into `version.go`. */
for (const name of ['controller', 'sdk', 'operator', 'cli']) {
  const { version } = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8')) as { version: string };
  const file = `packages/${name}/src/version.ts`;
  const source = readFileSync(file, 'utf8');
  writeFileSync(file, source.replace(/^export const version = '.*';$/m, `export const version = '${version}';`));
}
const { version } = JSON.parse(readFileSync('packages/sdk-go/package.json', 'utf8')) as { version: string };
const file = 'packages/sdk-go/version.go';
writeFileSync(file, readFileSync(file, 'utf8').replace(/^const version = ".*"$/m, `const version = "${version}"`));
