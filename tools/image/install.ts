import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageDefinition } from './images.ts';
import { run } from './run.ts';

/** What counts of a `package.json`. */
export interface PackageJson {
  name: string;
  version?: string;
  license?: string;
  dependencies?: Record<string, string>;
  publishConfig?: Record<string, unknown>;
}

/** Installs a workspace package's locked dependencies into a folder, as real files. Done once for each of them. */
export function installPackage({ package: { name }, native }: ImageDefinition, scratch: string): string {
  const folder = join(scratch, `${name.replaceAll('/', '-')}${native ? '-native' : ''}`);
  if (existsSync(folder)) return folder;
  run('pnpm', [
    `--filter=${name}`,
    'deploy',
    // The other way needs every workspace package to be installed as a copy, in daily work too.
    '--legacy',
    '--prod',
    ...(native ? [] : ['--no-optional']),
    '--config.node-linker=hoisted',
    // A link would be the very file of the workspace or of pnpm's store.
    '--config.package-import-method=copy',
    folder,
  ]);
  return folder;
}

/** Copies packages, and all that they depend on, from one `node_modules` to another. Throws when one isn't installed. */
export function copyClosure(names: readonly string[], from: string, to: string): void {
  const waiting = names.map((name) => ({ name, wantedBy: 'the image' }));
  const taken = new Set<string>();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { name, wantedBy } = next;
    if (taken.has(name)) continue;
    taken.add(name);
    const source = join(from, name);
    if (!existsSync(source)) {
      throw new Error(`${name}, which ${wantedBy} needs, is not installed; make it a dependency of the package`);
    }
    cpSync(source, join(to, name), { recursive: true, verbatimSymlinks: true });
    waiting.push(...neededBy(source).map((needed) => ({ name: needed, wantedBy: name })));
  }
}

/** What a package and the packages inside it need from outside. */
function neededBy(folder: string): string[] {
  const inside = join(folder, 'node_modules');
  const nested = existsSync(inside) ? packagesIn(inside) : [];
  const needed = [...Object.keys(readPackageJson(folder).dependencies ?? {})];
  for (const name of nested) needed.push(...neededBy(join(inside, name)));
  return needed.filter((name) => !nested.includes(name));
}

/** The names of the packages in a `node_modules`. */
export function packagesIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return names
    .flatMap((name) => (name.startsWith('@') ? readdirSync(join(folder, name)).map((n) => `${name}/${n}`) : [name]))
    .sort();
}

/** Reads a folder's `package.json`. */
export function readPackageJson(folder: string): PackageJson {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;
}
