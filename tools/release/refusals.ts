import type { Changesets } from './changesets.ts';

/** State of the repository and the machine that decides whether a release may begin. */
export interface Facts {
  /** Version of the packages in the tree. */
  current: string;
  /** Version after the changesets; `undefined` without changesets. */
  next: string | undefined;
  changesets: Changesets;
  /** Checked-out branch; `undefined` if `HEAD` is detached. */
  branch: string | undefined;
  /** Branch that releases are made from. */
  releaseBranch: string;
  head: string;
  /** Commit of the release branch at the remote; a message if the remote cannot be read. */
  remoteHead: { commit: string } | { problem: string };
  remote: string;
  /** Changed and untracked files. */
  uncommitted: readonly string[];
  /** Tags of the clone and of the remote. */
  tags: readonly string[];
  /** Author of the commit of a release; `undefined` if Git has none. */
  author: { name: string; email: string } | undefined;
  /** Tools that are not installed, with advice. */
  missingTools: readonly string[];
}

/** Result of the checks before a release. */
export interface Verdict {
  /** Version whose artifacts are built; `undefined` if there is none. */
  version: string | undefined;
  /** Reasons against building the artifacts. */
  refusals: string[];
  /** Reasons against a release, which a dry run only reports. */
  releaseRefusals: string[];
}

/** Name of the tag of a version. */
export function tagOf(version: string): string {
  return `v${version}`;
}

/** Decides whether the artifacts can be built, and whether a release can be made. */
export function judge(facts: Facts): Verdict {
  const { current, next, changesets, missingTools } = facts;
  const isReleased = next === undefined && current !== '0.0.0';
  const refusals = [...changesets.problems, ...missingTools];
  if (next === undefined && !isReleased && changesets.problems.length === 0) refusals.push(noChangesets);
  return { version: next ?? (isReleased ? current : undefined), refusals, releaseRefusals: againstRelease(facts) };
}

const noChangesets =
  'there are no changesets, so there is nothing to release: `npx -y pnpm@12 exec changeset` writes one';

function againstRelease(facts: Facts): string[] {
  const { next, changesets, branch, releaseBranch, head, remote, remoteHead, uncommitted, tags, author } = facts;
  const reasons: string[] = [];
  if (!author)
    reasons.push(
      'Git has no author for the commit: run `git config user.name NAME` and `git config user.email ADDRESS`',
    );
  if (uncommitted.length > 0) reasons.push(`uncommitted changes in ${listed(uncommitted)}: commit or stash them`);
  if (branch !== releaseBranch) {
    const where = branch ? `the branch ${branch}` : 'no branch (detached HEAD)';
    reasons.push(
      `${where} is checked out: releases are made from ${releaseBranch}, so run \`git switch ${releaseBranch}\``,
    );
  } else if ('problem' in remoteHead) {
    reasons.push(`${remote}/${releaseBranch} cannot be read: ${remoteHead.problem}`);
  } else if (remoteHead.commit !== head) {
    reasons.push(
      `${releaseBranch} (${head.slice(0, 7)}) differs from ${remote}/${releaseBranch} (${remoteHead.commit.slice(0, 7)}): pull or push first`,
    );
  }
  if (next === undefined) {
    if (changesets.problems.length === 0) reasons.push(noChangesets);
  } else if (tags.includes(tagOf(next))) {
    reasons.push(`the tag ${tagOf(next)} already exists: ${next} is released, so pull the commit of its release first`);
  }
  return [...new Set(reasons)];
}

/** Names of files, of which at most five are listed. */
function listed(files: readonly string[]): string {
  const shown = files.slice(0, 5).join(', ');
  return files.length > 5 ? `${shown} and ${files.length - 5} more` : shown;
}
