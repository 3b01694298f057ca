import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesIn, readPackageJson } from './install.ts';

// Files for people and compilers only. Licences stay.
const superfluous = /\.(?:[cm]?ts|map|flow|md|markdown)$|^(?:\..*|tsconfig.*\.json|binding\.gyp|Makefile)$/;
const licence = /^(?:licen[cs]e|notice|copying)/i;

/** Removes files that are not needed at run time: types, sources, source maps, documentation, links to commands. */
export function removeSuperfluous(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (superfluous.test(entry.name) && !licence.test(entry.name)) rmSync(path, { recursive: true });
    else if (entry.isDirectory()) removeSuperfluous(path);
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Makes this repository's own packages export their built files, as published packages do. */
export function applyPublishConfig(nodeModules: string): void {
  if (!existsSync(join(nodeModules, '@kplug'))) return;
  for (const name of packagesIn(nodeModules).filter((each) => each.startsWith('@kplug/'))) {
    const folder = join(nodeModules, name);
    const { publishConfig, ...rest } = readPackageJson(folder);
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ ...rest, ...publishConfig }, null, 2)}\n`);
  }
}

/** Paths of all files in a folder, relative to it, in a stable order. */
export function listFiles(folder: string, prefix = ''): string[] {
  return readdirSync(join(folder, prefix))
    .sort()
    .flatMap((name) => {
      const path = join(prefix, name);
      return lstatSync(join(folder, path)).isDirectory() ? listFiles(folder, path) : [path];
    });
}

/** Sets the times of all files and folders to the same value, so that the same sources give the same layer. */
export function resetTimes(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) resetTimes(path);
    else if (entry.isFile()) utimesSync(path, 0, 0);
  }
  utimesSync(folder, 0, 0);
}
