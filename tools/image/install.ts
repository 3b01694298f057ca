import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageDefinition } from './images.ts';
import { run } from './run.ts';

/** Fields of a `package.json` that the build uses. */
export interface PackageJson {
  name: string;
  version?: string;
  license?: string;
  dependencies?: Record<string, string>;
  publishConfig?: Record<string, unknown>;
}

/** Installs a workspace package's locked dependencies into a folder, as real files, once per package. Returns the folder. */
export function installPackage({ package: { name }, native }: ImageDefinition, scratch: string): string {
  const folder = join(scratch, `${name.replaceAll('/', '-')}${native ? '-native' : ''}`);
  if (existsSync(folder)) return folder;
  run('pnpm', [
    `--filter=${name}`,
    'deploy',
    // Without it, pnpm requires workspace packages to be installed as copies during development, too.
    '--legacy',
    '--prod',
    ...(native ? [] : ['--no-optional']),
    '--config.node-linker=hoisted',
    // With links, changes to the image would change the workspace or pnpm's store.
    '--config.package-import-method=copy',
    folder,
  ]);
  return folder;
}

/** Copies packages and all their dependencies from one `node_modules` to another. Throws when one is not installed. */
export function copyClosure(names: readonly string[], from: string, to: string): void {
  const waiting = names.map((name) => ({ name, wantedBy: 'the image' }));
  const taken = new Set<string>();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { name, wantedBy } = next;
    if (taken.has(name)) continue;
    taken.add(name);
    const source = join(from, name);
    if (!existsSync(source)) {
      throw new Error(`${name}, required by ${wantedBy}, is not installed; add it to the dependencies of the package`);
    }
    cpSync(source, join(to, name), { recursive: true, verbatimSymlinks: true });
    waiting.push(...neededBy(source).map((needed) => ({ name: needed, wantedBy: name })));
  }
}

/** Dependencies that a package and its nested packages expect outside of its folder. */
function neededBy(folder: string): string[] {
  const inside = join(folder, 'node_modules');
  const nested = existsSync(inside) ? packagesIn(inside) : [];
  const needed = [...Object.keys(readPackageJson(folder).dependencies ?? {})];
  for (const name of nested) needed.push(...neededBy(join(inside, name)));
  return needed.filter((name) => !nested.includes(name));
}

/** Names of the packages in a `node_modules`. */
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
