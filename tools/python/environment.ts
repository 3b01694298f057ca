import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { inTurn } from '../languages/in-turn.ts';
import { runWithProgress } from '../languages/run-with-progress.ts';
import { findPython } from './find-python.ts';

/** Path of the Python package. */
export const pythonPackage = resolve(import.meta.dirname, '../../packages/sdk-python');

const folder = join(pythonPackage, '.venv');
const bin = join(folder, process.platform === 'win32' ? 'Scripts' : 'bin');
const python = join(bin, process.platform === 'win32' ? 'python.exe' : 'python');
const stamp = join(folder, 'kplug-installed');

/** Python of the development environment; `undefined` when the environment does not exist or is out of date. */
export function installedPython(): string | undefined {
  // The interpreter is a link whose target may have been removed.
  if (!existsSync(python) || !existsSync(stamp)) return undefined;
  return readFileSync(stamp, 'utf8') === fingerprint() ? python : undefined;
}

/**
 * Creates the development environment, with exactly the packages of `requirements-dev.txt` and the Python package from its
 * sources, unless it exists. Returns its Python. Rejects with advice.
 */
export async function installPython(progress: (message: string) => void): Promise<string> {
  // Several test files need it concurrently.
  return (
    installedPython() ?? (await inTurn(folder, async () => installedPython() ?? (await makeEnvironment(progress))))
  );
}

async function makeEnvironment(progress: (message: string) => void): Promise<string> {
  const base = await findPython();
  const startedAt = performance.now();
  progress(`creating ${folder} with ${base}; takes a minute, once`);
  rmSync(folder, { recursive: true, force: true });
  const run = (title: string, program: string, args: readonly string[]) =>
    runWithProgress({ title, program, args, cwd: pythonPackage }, progress);
  await run('creating the environment', base, ['-m', 'venv', folder]);
  const pip = ['-m', 'pip', '--disable-pip-version-check', 'install', '--no-input', '--no-compile'];
  await run('installing packages', python, [...pip, '--require-hashes', '-r', 'requirements-dev.txt']);
  // The dependencies and the build tools have been installed above.
  await run('installing kplug', python, [...pip, '--no-deps', '--no-build-isolation', '--editable', pythonPackage]);
  writeFileSync(stamp, fingerprint());
  progress(`done in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  return python;
}

/** Same as `installPython`, but prints that `what` is skipped when it fails. In CI, rejects. */
export async function installPythonFor(what: string): Promise<string | undefined> {
  try {
    return await installPython((message) => console.error(`Python: ${message}`));
  } catch (error) {
    if (process.env.CI) throw error;
    console.error(`SKIPPED ${what}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Environment variables of this process, with the programs of the environment on `PATH`. */
export function pythonVariables(): NodeJS.ProcessEnv {
  return { ...process.env, VIRTUAL_ENV: folder, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
}

/** Digest of the installed packages. The package itself is used from its sources. */
function fingerprint(): string {
  const requirements = readFileSync(join(pythonPackage, 'requirements-dev.txt'));
  return createHash('sha256').update(pythonPackage).update(requirements).digest('hex');
}
