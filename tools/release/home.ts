import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Places where a release is published. */
export interface Home {
  /** Repository at GitHub, such as `example/kplug`. */
  repository: string;
  /** Registry of images and charts, such as `ghcr.io/example/kplug`. */
  registry: string;
}

/** Returns the home of a repository at GitHub, whose name the registry requires in lower case. */
export function homeOf(repository: string): Home {
  return { repository, registry: `ghcr.io/${repository.toLowerCase()}` };
}

/** Returns the name of a repository at GitHub from the URL of a Git remote; `undefined` for others. */
export function repositoryOf(url: string): string | undefined {
  return /^(?:https:\/\/|ssh:\/\/git@|git@)github\.com[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(url.trim())?.[1];
}

/**
 * Writes the home into the published packages and the charts of a tree. npm compares the repository of a package with that of its
 * provenance.
 */
export function writeHome(root: string, { repository, registry }: Home, packages: readonly string[]): void {
  for (const folder of packages) {
    const file = join(root, folder, 'package.json');
    const content = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    content.repository = { type: 'git', url: `git+https://github.com/${repository}.git`, directory: folder };
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
  }
  const values = join(root, 'charts/kplug/values.yaml');
  if (!existsSync(values)) return;
  const text = readFileSync(values, 'utf8');
  const replaced = text.replace(/^( {2}repository: )kplug\/operator$/m, `$1${registry}/operator`);
  if (replaced === text) throw new Error(`${values} has no line "  repository: kplug/operator"`);
  writeFileSync(values, replaced);
}
