import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { watch } from 'node:fs';
import { join, resolve } from 'node:path';
import { stagePages } from './stage-pages.ts';

/**
 * `pnpm site` serves the documentation site on this machine and shows each change of a page at once; `pnpm site:build` builds it into
 * `site/dist` and checks its links. Both install the dependencies of the site, which the rest of the repository does without.
 *
 * Environment variables of a release, all optional: `KPLUG_SITE_BASE` is the path at which the site is served, `KPLUG_SITE_ROOT` that of
 * the newest version, whose `versions.json` lists all, `KPLUG_SITE_VERSION` the version of the pages, and `KPLUG_SITE_SOURCES` the
 * address of the sources.
 */
const repository = resolve(import.meta.dirname, '../..');
const site = join(repository, 'site');
const { KPLUG_SITE_BASE: base = '/', KPLUG_SITE_SOURCES: sources } = process.env;
const build = { base, sources: sources || undefined };
const env = { ...process.env, ASTRO_TELEMETRY_DISABLED: '1' };
const astro = join(site, 'node_modules/.bin/astro');
const isBuilding = process.argv[2] === 'build';

execFileSync('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--silent'], { cwd: site, stdio: 'inherit' });
stagePages(repository, build);
if (isBuilding) buildSite();
else preview();

/** Builds the site and checks the types of its sources. */
function buildSite(): void {
  runQuietly(astro, ['build']);
  runQuietly(join(repository, 'node_modules/.bin/tsc'), ['-p', site, '--noEmit']);
  console.log('built site/dist');
}

/** Runs a program, and prints its output only if it fails. */
function runQuietly(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: site, env, encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${stdout}${stderr}`);
  process.exit(status ?? 1);
}

/** Serves the site until it is interrupted, and stages changed pages. */
function preview(): void {
  const server = spawn(astro, ['dev'], { cwd: site, env, stdio: 'inherit' });
  server.on('exit', (code) => process.exit(code ?? 1));
  const stage = () => {
    try {
      stagePages(repository, build);
    } catch (error) {
      // An editor may be saving the page; its next change stages it.
      console.error(error instanceof Error ? error.message : error);
    }
  };
  for (const place of ['docs', 'SECURITY.md', 'CONTRIBUTING.md', 'site/src/home.mdx'])
    watch(join(repository, place), { recursive: true }, stage);
}
