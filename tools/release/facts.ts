import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHelm } from '../charts/find-helm.ts';
import { ask } from '../languages/toolchain.ts';
import { findPython } from '../python/find-python.ts';
import { nextVersion, readChangesets } from './changesets.ts';
import { type Home, homeOf, repositoryOf } from './home.ts';
import type { Facts } from './refusals.ts';
import { versionIn } from './versions.ts';

/** Reads the facts of a repository and its remote. */
export async function readFacts(root: string, remote: string): Promise<Facts> {
  const git = async (...args: string[]) => (await ask('git', args, root))?.trim() ?? '';
  const current = versionIn(root);
  const changesets = readChangesets(root);
  const releaseBranch = baseBranch(root);
  const atRemote = await readRemote(root, remote);
  const head = atRemote?.get(`refs/heads/${releaseBranch}`);
  const problem = atRemote
    ? `${remote} has no branch ${releaseBranch}`
    : `\`git ls-remote ${remote}\` failed; check the remote and the connection`;
  const remoteTags = [...(atRemote?.keys() ?? [])].filter((ref) => ref.startsWith('refs/tags/'));
  return {
    current,
    next: nextVersion(current, changesets.changesets),
    changesets,
    branch: (await git('branch', '--show-current')) || undefined,
    releaseBranch,
    head: await git('rev-parse', 'HEAD'),
    remoteHead: head ? { commit: head } : { problem },
    remote,
    uncommitted: await uncommittedFiles(root),
    tags: [...(await git('tag', '--list')).split('\n'), ...remoteTags.map((ref) => ref.slice('refs/tags/'.length))],
    author: await readAuthor(root),
    missingTools: await missingTools(),
  };
}

async function readAuthor(root: string): Promise<Facts['author']> {
  const [name, email] = await Promise.all(['user.name', 'user.email'].map((key) => ask('git', ['config', key], root)));
  return name && email ? { name: name.trim(), email: email.trim() } : undefined;
}

/** Changed, removed and untracked files of a work tree, without ignored ones. */
export async function uncommittedFiles(root: string): Promise<string[]> {
  const output = await ask('git', ['status', '--porcelain=v1', '--untracked-files=all', '--no-renames', '-z'], root);
  if (output === undefined) throw new Error(`${root} is not a Git repository, or Git is not installed`);
  return output
    .split('\0')
    .filter(Boolean)
    .map((line) => line.slice(3));
}

/** Home of the repository: that of the workflow, or of the remote, or an example for a dry run without either. */
export async function readHome(root: string, remote: string): Promise<Home> {
  const url = await ask('git', ['remote', 'get-url', remote], root);
  return homeOf(process.env.GITHUB_REPOSITORY || repositoryOf(url ?? '') || 'example/kplug');
}

function baseBranch(root: string): string {
  return (JSON.parse(readFileSync(join(root, '.changeset/config.json'), 'utf8')) as { baseBranch: string }).baseBranch;
}

/** Commits by their references at the remote; `undefined` if it cannot be read. */
async function readRemote(root: string, remote: string): Promise<Map<string, string> | undefined> {
  const output = await ask('git', ['ls-remote', '--heads', '--tags', '--refs', remote], root);
  if (output === undefined) return undefined;
  const lines = output.split('\n').filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [commit = '', ref = ''] = line.split('\t');
      return [ref, commit];
    }),
  );
}

/** Tools that are not installed, each with advice. */
async function missingTools(): Promise<string[]> {
  const missing: string[] = [];
  if (!(await ask('go', ['version'])))
    missing.push('Go is not installed: install Go 1.26 or newer (https://go.dev/dl)');
  if (!(await ask('npm', ['--version'])))
    missing.push('npm is not installed: it comes with Node.js (https://nodejs.org)');
  for (const find of [findPython, () => findHelm((message) => console.error(message))]) {
    await find().catch((error: Error) => missing.push(error.message));
  }
  return missing;
}
