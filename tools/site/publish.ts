import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { assembleSite, releasesOf } from './releases.ts';

/**
 * `node tools/site/publish.ts REPOSITORY ROOT`: builds the site of all releases into `dist/site`, each from its own tag.
 * `REPOSITORY` is the address of the repository on the web, `ROOT` the path at which the site is served, such as `/kplug/`.
 */
const [, , repository, root] = process.argv;
if (!repository || !root?.startsWith('/') || !root.endsWith('/')) {
  console.error('usage: node tools/site/publish.ts REPOSITORY ROOT, where ROOT begins and ends with a slash');
  process.exit(2);
}

const top = resolve(import.meta.dirname, '../..');
const tags = execFileSync('git', ['tag', '--list', 'v*'], { cwd: top, encoding: 'utf8' }).split('\n');
const releases = releasesOf(tags);
if (releases.length === 0) {
  console.error('there is no tag of a release, such as v1.2.0');
  process.exit(1);
}
const output = join(top, 'dist/site');
assembleSite(releases, { root, repository, output }, ({ tag }, variables) => {
  console.log(`building ${tag} for ${variables.KPLUG_SITE_BASE}`);
  const checkout = mkdtempSync(join(tmpdir(), 'kplug-site-'));
  execFileSync('git', ['worktree', 'add', '--detach', checkout, tag], { cwd: top, stdio: 'inherit' });
  execFileSync('npx', ['-y', 'pnpm@12', 'site:build'], {
    cwd: checkout,
    env: { ...process.env, ...variables },
    stdio: 'inherit',
  });
  return join(checkout, 'site/dist');
});
console.log(`wrote ${output}: ${releases.map(({ tag }) => tag).join(', ')}`);
