import { describe, expect, it } from 'vitest';
import { type Facts, judge } from './refusals.ts';

const head = 'a'.repeat(40);
const good: Facts = {
  current: '0.1.0',
  next: '0.2.0',
  changesets: { changesets: [], problems: [] },
  branch: 'main',
  releaseBranch: 'main',
  head,
  remoteHead: { commit: head },
  remote: 'origin',
  uncommitted: [],
  tags: ['v0.1.0'],
  author: { name: 'Maintainer', email: 'maintainer@example.org' },
  missingTools: [],
};

describe('a release', () => {
  it('may begin on the pushed release branch, with changesets and without changes', () => {
    expect(judge(good)).toEqual({ version: '0.2.0', refusals: [], releaseRefusals: [] });
  });

  it.each<[string, Partial<Facts>, RegExp]>([
    [
      'uncommitted changes',
      { uncommitted: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
      /in a, b, c, d, e and 2 more: commit/,
    ],
    ['another branch', { branch: 'feature' }, /the branch feature is checked out: .* `git switch main`/],
    ['a detached HEAD', { branch: undefined }, /no branch \(detached HEAD\) is checked out/],
    [
      'commits that are not pushed',
      { remoteHead: { commit: 'b'.repeat(40) } },
      /differs from origin\/main \(bbbbbbb\): pull or push/,
    ],
    ['an unreachable remote', { remoteHead: { problem: 'no such host' } }, /origin\/main cannot be read: no such host/],
    ['an existing tag', { tags: ['v0.2.0'] }, /the tag v0\.2\.0 already exists/],
    ['no author', { author: undefined }, /Git has no author/],
    ['no changesets', { next: undefined }, /there are no changesets/],
  ])('is refused with %s, and its dry run is not', (_, change, message) => {
    const { refusals, releaseRefusals } = judge({ ...good, ...change });
    expect(releaseRefusals).toEqual([expect.stringMatching(message)]);
    expect(refusals).toEqual([]);
  });
});

describe('a dry run', () => {
  it('without changesets builds the released version', () => {
    expect(judge({ ...good, next: undefined }).version).toBe('0.1.0');
  });

  it('without changesets is refused before the first release', () => {
    const { version, refusals } = judge({ ...good, next: undefined, current: '0.0.0' });
    expect(version).toBeUndefined();
    expect(refusals).toEqual([expect.stringContaining('there are no changesets')]);
  });

  it('is refused with malformed changesets and missing tools', () => {
    const problems = ['.changeset/a.md: has no description'];
    const missingTools = ['Go 1.26 or newer is not installed: https://go.dev/dl'];
    const { refusals } = judge({ ...good, missingTools, changesets: { changesets: [], problems } });
    expect(refusals).toEqual([...problems, ...missingTools]);
  });
});
