import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { userCacheFolder } from '@kplug/testing/user-cache';
import { inTurn } from '../languages/in-turn.ts';
import { runWithProgress } from '../languages/run-with-progress.ts';

const run = promisify(execFile);

/** Version of Helm that is built when none is installed. */
const version = 'v3.22.0';
const source = 'helm.sh/helm/v3/cmd/helm';
const versionFlag = `-X helm.sh/helm/v3/internal/version.version=${version}`;

/**
 * Finds Helm 3 or newer: the value of `HELM`; else the one on `PATH`; else one that is built with Go, once per user, which takes a minute
 * or two. Rejects with advice when none of these is possible.
 */
export async function findHelm(progress: (message: string) => void): Promise<string> {
  if (process.env.HELM) return process.env.HELM;
  if (await works('helm', ['version', '--short'])) return 'helm';
  const folder = join(userCacheFolder(), 'tools', `helm-${version}`);
  const cached = join(folder, process.platform === 'win32' ? 'helm.exe' : 'helm');
  if (await exists(cached)) return cached;
  if (!(await works('go', ['version']))) {
    throw new Error(
      'Neither Helm nor Go, to build it with, is installed. Install Helm 3 or newer (https://helm.sh/docs/intro/install) or Go, or set ' +
        'HELM to the path of Helm.',
    );
  }
  // Several test files need it concurrently.
  await inTurn(folder, async () => {
    if (await exists(cached)) return;
    progress(`Helm is not installed; building ${source}@${version} with Go, once`);
    await build(folder, progress);
  });
  return cached;
}

async function build(folder: string, progress: (message: string) => void): Promise<void> {
  await mkdir(join(folder, '..'), { recursive: true });
  const staging = await mkdtemp(`${folder}.`);
  try {
    await runWithProgress(
      {
        title: 'building Helm',
        program: 'go',
        args: ['install', '-v', '-trimpath', '-ldflags', `-s -w ${versionFlag}`, `${source}@${version}`],
        cwd: staging,
        env: { GOBIN: staging, CGO_ENABLED: '0', GOFLAGS: '' },
      },
      progress,
    );
    await rename(staging, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function works(command: string, args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  );
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
