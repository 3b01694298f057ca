import { tmpdir } from 'node:os';
import { inTurn } from '../languages/in-turn.ts';
import { runWithProgress } from '../languages/run-with-progress.ts';
import { ask } from '../languages/toolchain.ts';
import { findChromium } from './find-chromium.ts';

const missing =
  'Chromium not found: set CHROMIUM to its program, or put chromium or google-chrome on PATH. Where apt-get can be run as root or by ' +
  'sudo without a password, `npx -y pnpm@12 chromium:install` installs it.';

/** Returns the path of Chromium: the one on this machine, else one that it installs by apt-get. Rejects where that is impossible. */
export async function installChromium(progress: (message: string) => void): Promise<string> {
  // Several test files may ask for it concurrently.
  const found = findChromium() ?? (await inTurn('chromium', async () => findChromium() ?? (await install(progress))));
  if (!found) throw new Error(missing);
  return found;
}

async function install(progress: (message: string) => void): Promise<string | undefined> {
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (!(await ask('apt-get', ['--version'])) || (prefix[0] && !(await ask(prefix[0], ['-n', 'true']))))
    return undefined;
  progress('installing Chromium with apt-get, once');
  const wait = ['-o', 'DPkg::Lock::Timeout=600'];
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const [program = '', ...rest] = [...prefix, 'apt-get', ...wait, ...args];
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await runWithProgress({ title: 'installing Chromium', program, args: rest, cwd: tmpdir(), env }, progress);
  }
  return findChromium();
}
