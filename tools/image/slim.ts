import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesIn, readPackageJson } from './install.ts';

// What only people and compilers read. Licences stay.
const superfluous = /\.(?:[cm]?ts|map|flow|md|markdown)$|^(?:\..*|tsconfig.*\.json|binding\.gyp|Makefile)$/;
const licence = /^(?:licen[cs]e|notice|copying)/i;

/** Removes what isn't needed to run: types, sources, source maps, documentation, links to commands. */
export function removeSuperfluous(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (superfluous.test(entry.name) && !licence.test(entry.name)) rmSync(path, { recursive: true });
    else if (entry.isDirectory()) removeSuperfluous(path);
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Has this repository's own packages export what was built of them, as when they are published. */
export function applyPublishConfig(nodeModules: string): void {
  if (!existsSync(join(nodeModules, '@kplug'))) return;
  for (const name of packagesIn(nodeModules).filter((each) => each.startsWith('@kplug/'))) {
    const folder = join(nodeModules, name);
    const { publishConfig, ...rest } = readPackageJson(folder);
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ ...rest, ...publishConfig }, null, 2)}\n`);
  }
}

/** All files in a folder, by their paths in it, in an order that is always the same. */
export function listFiles(folder: string, prefix = ''): string[] {
  return readdirSync(join(folder, prefix))
    .sort()
    .flatMap((name) => {
      const path = join(prefix, name);
      return lstatSync(join(folder, path)).isDirectory() ? listFiles(folder, path) : [path];
    });
}

/** Gives every file and folder the same time, so that the same sources make the same layer. */
export function resetTimes(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) resetTimes(path);
    else if (entry.isFile()) utimesSync(path, 0, 0);
  }
  utimesSync(folder, 0, 0);
}
