import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readPackageJson } from '../image/install.ts';

/** Returns the folders of the npm packages of a tree that are published, such as `packages/sdk`. */
export function publishedFolders(tree: string): string[] {
  const folders = globSync('packages/*/package.json', { cwd: tree }).map(dirname).sort();
  return folders.filter((folder) => readPackageJson(join(tree, folder)).publishConfig !== undefined);
}
