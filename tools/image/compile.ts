import { cpSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { run } from './run.ts';

/** Compiles a file of a package, and the files of the package that it imports, to JavaScript. */
export function compileEntry(packageFolder: string, entry: string, scratch: string, to: string): void {
  const project = join(scratch, 'tsconfig.json');
  const folder = resolve(packageFolder);
  const settings = {
    extends: resolve('tsconfig.base.json'),
    compilerOptions: {
      rootDir: folder,
      outDir: resolve(to),
      declaration: false,
      sourceMap: false,
      typeRoots: [resolve('node_modules/@types')],
    },
    files: [join(folder, entry)],
  };
  writeFileSync(project, JSON.stringify(settings));
  run('tsc', ['-p', project]);
}

/** Builds all published packages from scratch, so that no file of an earlier build remains. */
export function buildPackages(): void {
  // Packages that are not published have no project of their own.
  const published = globSync('packages/*/tsconfig.json').map(dirname);
  for (const folder of published) rmSync(join(folder, 'dist'), { recursive: true, force: true });
  run('tsc', ['-b', '--force', ...published]);
}

/** Copies the built files of a package. */
export function copyBuilt(packageFolder: string, to: string): void {
  cpSync(join(packageFolder, 'dist'), join(to, 'dist'), { recursive: true });
}
