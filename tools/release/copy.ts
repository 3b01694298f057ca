import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../image/run.ts';
import { uncommittedFiles } from './facts.ts';
import { versionIn, writeVersion } from './versions.ts';

const pnpm = ['-y', 'pnpm@12'];

/** Copies the tree of `HEAD`, with its uncommitted changes, into a new clone, and installs its dependencies. */
export async function copyTree(root: string, to: string): Promise<void> {
  const uncommitted = await uncommittedFiles(root);
  run('git', ['clone', '--quiet', '--no-tags', root, to]);
  run('git', ['checkout', '--quiet', '--detach', run('git', ['rev-parse', 'HEAD'], { cwd: root }).trim()], { cwd: to });
  for (const file of uncommitted) {
    const target = join(to, file);
    rmSync(target, { force: true });
    if (!existsSync(join(root, file))) continue;
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(root, file), target);
  }
  run('npx', [...pnpm, 'install', '--frozen-lockfile', '--prefer-offline'], { cwd: to });
}

/**
 * Makes the copy the tree of a version: versions, changelogs, and what is generated from them. Throws when changesets computes another
 * version.
 */
export function prepareVersion(copy: string, version: string): void {
  const options = {
    cwd: copy,
    env: { ...process.env, PATH: `${join(copy, 'node_modules/.bin')}:${process.env.PATH}` },
  };
  run('changeset', ['version'], options);
  const computed = versionIn(copy);
  if (computed !== version)
    throw new Error(`changesets computes ${computed}, not ${version}: check .changeset/config.json`);
  writeVersion(copy, version);
  run('node', ['tools/generate-template.ts'], options);
  run('node', ['tools/generate-charts.ts'], options);
  // `pnpm check` compares the protocol with that of the last release.
  run('buf', ['build', '--exclude-source-info', '-o', 'proto/released.binpb'], options);
}

/** Commits everything in the copy. Returns the commit. A dry run may have no author. */
export function commitAll(
  copy: string,
  message: string,
  author = { name: 'dry run', email: 'dry-run@example.org' },
): string {
  const identity = ['-c', `user.name=${author.name}`, '-c', `user.email=${author.email}`];
  run('git', ['add', '--all'], { cwd: copy });
  run('git', [...identity, 'commit', '--quiet', '--allow-empty', '--message', message], { cwd: copy });
  return run('git', ['rev-parse', 'HEAD'], { cwd: copy }).trim();
}
