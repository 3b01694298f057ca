import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { userCacheFolder } from '@kplug/testing/user-cache';
import { inTurn } from '../languages/in-turn.ts';
import { runWithProgress } from '../languages/run-with-progress.ts';
import { ask } from '../languages/toolchain.ts';

/** Programs of Prometheus: the server, and the tool that checks rules and metrics. */
export interface PrometheusPrograms {
  prometheus: string;
  promtool: string;
}

const missing =
  'Prometheus is not installed: prometheus and promtool are not on PATH, and this system has no apt-get to download them with. ' +
  'Install them (https://prometheus.io/download), or set PROMETHEUS_HOME to a folder that has them.';

/**
 * Finds Prometheus: in the folder `PROMETHEUS_HOME`; else on `PATH`; else in the user's cache, into which it unpacks the package of the
 * system's own repositories once. Needs no root, and starts no service. Rejects with advice when none of these is possible.
 */
export async function findPrometheus(progress: (message: string) => void): Promise<PrometheusPrograms> {
  const home = process.env.PROMETHEUS_HOME;
  if (home) return programsIn(home);
  const onPath = { prometheus: 'prometheus', promtool: 'promtool' };
  if (await works(onPath)) return onPath;
  const folder = join(userCacheFolder(), 'tools', 'prometheus-of-system');
  const cached = programsIn(join(folder, 'usr/bin'));
  // Several test files may need it concurrently.
  return await inTurn(folder, async () => {
    if (await works(cached)) return cached;
    if (!(await ask('apt-get', ['--version'])) || !(await ask('dpkg-deb', ['--version']))) throw new Error(missing);
    await unpackPackage(folder, progress);
    if (!(await works(cached))) throw new Error(`The package prometheus of this system does not run. ${missing}`);
    return cached;
  });
}

function programsIn(folder: string): PrometheusPrograms {
  return { prometheus: join(folder, 'prometheus'), promtool: join(folder, 'promtool') };
}

async function works({ prometheus, promtool }: PrometheusPrograms): Promise<boolean> {
  const versions = await Promise.all([prometheus, promtool].map((program) => ask(program, ['--version'])));
  return versions.every((version) => version !== undefined);
}

async function unpackPackage(folder: string, progress: (message: string) => void): Promise<void> {
  await mkdir(join(folder, '..'), { recursive: true });
  const staging = await mkdtemp(`${folder}.`);
  const run = (program: string, ...args: string[]) =>
    runWithProgress({ title: 'installing Prometheus', program, args, cwd: staging }, progress);
  try {
    progress('downloading the package prometheus with apt-get, once');
    const lists = join(staging, 'lists');
    const cache = join(staging, 'cache');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await mkdir(join(cache, 'archives/partial'), { recursive: true });
    // Own lists: those of the system may be missing or old, and only root updates them. The sandbox user cannot write here.
    const own = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${cache}`, '-o', 'APT::Sandbox::User=root'];
    await run('apt-get', ...own, 'update');
    await run('apt-get', ...own, 'download', 'prometheus');
    const file = (await readdir(staging)).find((name) => name.endsWith('.deb'));
    if (!file) throw new Error('apt-get downloaded no package.');
    const root = join(staging, 'root');
    await run('dpkg-deb', '--extract', file, root);
    await rm(folder, { recursive: true, force: true });
    await rename(root, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
