import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Line of a file that has the version of Kplug. */
interface VersionLine {
  file: string;
  line: RegExp;
  text: (version: string) => string;
}

/** Lines with the version outside of the `package.json` files, which changesets updates. */
const lines: readonly VersionLine[] = [
  ...['controller', 'sdk', 'operator', 'cli'].map((name) => ({
    file: `packages/${name}/src/version.ts`,
    line: /^export const version = '.*';$/m,
    text: (version: string) => `export const version = '${version}';`,
  })),
  {
    file: 'packages/sdk-go/version.go',
    line: /^const version = ".*"$/m,
    text: (version) => `const version = "${version}"`,
  },
  ...['kplug', 'kplug-plugin'].map((name) => ({
    file: `charts/${name}/Chart.yaml`,
    line: /^version: .*$/m,
    text: (version: string) => `version: ${version}`,
  })),
  { file: 'charts/kplug/Chart.yaml', line: /^appVersion: .*$/m, text: (version) => `appVersion: ${version}` },
];

/** Returns the version of the packages of a tree, which all have the same. */
export function versionIn(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'packages/sdk/package.json'), 'utf8')) as { version: string }).version;
}

/** Writes the version into the sources that report it, and into the charts. */
export function writeVersion(root: string, version: string): void {
  for (const { file, line, text } of lines) {
    const path = join(root, file);
    const content = readFileSync(path, 'utf8');
    if (!line.test(content)) throw new Error(`${file} has no line like ${line.source}`);
    writeFileSync(path, content.replace(line, text(version)));
  }
}

/** Returns the files of a tree whose version differs from that of the packages. */
export function filesWithAnotherVersion(root: string): string[] {
  const version = versionIn(root);
  const differing = lines.filter(
    ({ file, line, text }) => line.exec(readFileSync(join(root, file), 'utf8'))?.[0] !== text(version),
  );
  return differing.map(({ file }) => file);
}
