import { run } from '../image/run.ts';
import { tagOf } from './refusals.ts';

/** Release that is complete in a copy of the repository. */
export interface Finished {
  /** Work tree whose branch gets the commit. */
  root: string;
  /** Copy that has the commit. */
  copy: string;
  commit: string;
  version: string;
  remote: string;
  branch: string;
}

/**
 * Moves the branch of the work tree to the commit of the release, tags it, and pushes both. The remote takes both or neither; without the
 * push, the tag is removed again.
 */
export function pushRelease({ root, copy, commit, version, remote, branch }: Finished): void {
  const git = (...args: string[]) => run('git', args, { cwd: root });
  const before = git('rev-parse', 'HEAD').trim();
  const tag = tagOf(version);
  git('fetch', '--quiet', '--no-tags', copy, commit);
  git('merge', '--quiet', '--ff-only', commit);
  git('tag', '--annotate', '--message', `Kplug ${version}`, tag, commit);
  try {
    git('push', '--quiet', '--atomic', remote, `${commit}:refs/heads/${branch}`, `refs/tags/${tag}`);
  } catch (error) {
    git('tag', '--delete', tag);
    git('reset', '--quiet', '--keep', before);
    throw new Error(`nothing was released, as ${remote} refused the push`, { cause: error });
  }
}
