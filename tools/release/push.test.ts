import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../image/run.ts';
import { pushRelease } from './push.ts';

/** A remote, a clone of it, and a copy of that with the commit of a release. */
function repositories() {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-push-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [origin, root, copy] = ['origin.git', 'root', 'copy'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const git = (cwd: string, ...args: string[]) => run('git', args, { cwd }).trim();
  const commit = (cwd: string, message: string) => git(cwd, 'commit', '--quiet', '--allow-empty', '--message', message);
  const identify = (cwd: string) => {
    git(cwd, 'config', 'user.name', 'Maintainer');
    git(cwd, 'config', 'user.email', 'maintainer@example.org');
  };
  git(folder, 'init', '--quiet', '--bare', '--initial-branch', 'main', origin);
  git(folder, 'init', '--quiet', '--initial-branch', 'main', root);
  identify(root);
  git(root, 'remote', 'add', 'origin', origin);
  commit(root, 'Before');
  git(root, 'push', '--quiet', 'origin', 'main');
  git(folder, 'clone', '--quiet', root, copy);
  identify(copy);
  commit(copy, 'Release v1.2.0');
  const head = git(copy, 'rev-parse', 'HEAD');
  return {
    git,
    origin,
    root,
    release: { root, copy, commit: head, version: '1.2.0', remote: 'origin', branch: 'main' },
  };
}

it('moves the branch, tags the commit, and pushes both', () => {
  const { git, origin, root, release } = repositories();
  pushRelease(release);
  expect(git(root, 'rev-parse', 'main')).toBe(release.commit);
  expect(git(origin, 'rev-parse', 'main', 'v1.2.0^{commit}')).toBe(`${release.commit}\n${release.commit}`);
});

it('leaves the clone as it was when the remote refuses the push', () => {
  const { git, origin, root, release } = repositories();
  const before = git(root, 'rev-parse', 'HEAD');
  const hook = join(origin, 'hooks/pre-receive');
  writeFileSync(hook, '#!/bin/sh\necho the branch is protected >&2\nexit 1\n');
  chmodSync(hook, 0o755);
  expect(() => pushRelease(release)).toThrow(/nothing was released/);
  expect(git(root, 'rev-parse', 'HEAD')).toBe(before);
  expect(git(root, 'tag')).toBe('');
  expect(git(origin, 'rev-parse', 'main')).toBe(before);
});
