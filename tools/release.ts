import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { run } from './image/run.ts';
import { beginArtifacts, type Part, parts, type Release } from './release/artifacts.ts';
import { releaseNotes } from './release/changesets.ts';
import { commitAll, copyTree, prepareVersion } from './release/copy.ts';
import { readFacts, readHome } from './release/facts.ts';
import type { Home } from './release/home.ts';
import { pushRelease } from './release/push.ts';
import { type Facts, judge, tagOf } from './release/refusals.ts';
import { readArtifacts, summaryTable, writeChecksums } from './release/summary.ts';
import { trials } from './release/trial.ts';

const usage = `Usage: npx -y pnpm@12 release [OPTIONS]

Releases the next version of Kplug. The changesets decide which one that is.

  1. Checks the repository, the remote and the installed tools.
  2. In a copy of the tree, writes the versions and the changelogs, builds all
     artifacts into dist/release, publishes them to local registries, and
     installs them from there.
  3. Asks. Then commits the versions, tags the commit (v1.2.0), and pushes both.
     The workflow .github/workflows/release.yml publishes what the tag has.

Options:
      --dry-run        ends after step 2. The work tree, its branches and tags,
                       and the remote stay as they are. Also with uncommitted
                       changes, and on any branch
      --yes            doesn't ask in step 3
      --remote NAME    remote of Git (default: origin)
  -h, --help           prints this help

Exit codes: 0 released, or dry run passed; 1 a step failed; 2 wrong usage;
3 refused, with the reasons.
`;

const root = resolve(import.meta.dirname, '..');
const to = join(root, 'dist/release');

/** Ends the process with an exit code and a message. */
function fail(code: number, message: string): never {
  console.error(message);
  process.exit(code);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        'dry-run': { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        remote: { type: 'string', default: 'origin' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    return fail(2, `${(error as Error).message}\nSee \`npx -y pnpm@12 release --help\`.`);
  }
}

/** Runs the steps of a title one after the other, and prints the time of each. */
async function runParts(title: string, steps: readonly Part[], release: Release): Promise<void> {
  for (const { name, build } of steps) {
    const startedAt = performance.now();
    await build(release, (message) => console.error(message));
    console.log(`${title} ${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  }
}

/** Version to build. Ends the process when it is refused. */
function versionToBuild(facts: Facts, isDryRun: boolean): string {
  const { version, refusals, releaseRefusals } = judge(facts);
  const reasons = isDryRun ? refusals : [...new Set([...refusals, ...releaseRefusals])];
  const list = (of: readonly string[]) => of.map((reason) => `  - ${reason}\n`).join('');
  if (reasons.length > 0 || !version) fail(3, `No release is possible:\n${list(reasons)}`);
  if (isDryRun && releaseRefusals.length > 0)
    console.log(`Without --dry-run this would be refused:\n${list(releaseRefusals)}`);
  return version;
}

/** Builds and tries the artifacts of a version in a copy. Returns the commit of the version there. */
async function build(version: string, home: Home, copy: string, facts: Facts, isDryRun: boolean): Promise<string> {
  await copyTree(root, copy);
  if (facts.next) prepareVersion(copy, version);
  const commit = commitAll(copy, `Release ${tagOf(version)}`, facts.author);
  if (!isDryRun) run('npx', ['-y', 'pnpm@12', 'check'], { cwd: copy });
  const release = { version, home, tree: copy, to };
  beginArtifacts(release);
  if (facts.next) writeFileSync(join(to, 'notes.md'), releaseNotes(version, facts.changesets.changesets));
  await runParts('built', parts, release);
  writeChecksums(to, readArtifacts(to));
  await runParts('tried', trials, release);
  return commit;
}

async function confirms(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) fail(3, 'Without a terminal nobody can be asked: nothing was released. Use --yes.');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

const { 'dry-run': isDryRun, yes, remote, help } = options();
if (help) {
  process.stdout.write(usage);
  process.exit(0);
}
const facts = await readFacts(root, remote);
const version = versionToBuild(facts, isDryRun);
const home = await readHome(root, remote);
const scratch = mkdtempSync(join(tmpdir(), 'kplug-release-'));
try {
  const copy = join(scratch, 'kplug');
  console.log(`Kplug ${version}, for ${home.repository}`);
  const commit = await build(version, home, copy, facts, isDryRun);
  console.log(`\ndist/release: Kplug ${version}\n\n${summaryTable(readArtifacts(to))}\n`);
  console.log(`The workflow also builds the images, such as ${home.registry}/operator:${version}.`);
  if (isDryRun) {
    console.log('Dry run: nothing was committed, tagged, pushed or published.');
  } else if (yes || (await confirms(`Push ${tagOf(version)} to ${remote}, and publish it?`))) {
    pushRelease({ root, copy, commit, version, remote, branch: facts.releaseBranch });
    console.log(`Pushed ${tagOf(version)}. https://github.com/${home.repository}/actions shows how it is published.`);
  } else {
    console.log('Nothing was released.');
  }
} catch (error) {
  console.error(`The release of ${version} failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
