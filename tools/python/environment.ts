import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { findPython } from './find-python.ts';

/** Where the Python package is, from the top of the repository. */
export const pythonPackage = resolve(import.meta.dirname, '../../packages/sdk-python');

const folder = join(pythonPackage, '.venv');
const bin = join(folder, process.platform === 'win32' ? 'Scripts' : 'bin');
const python = join(bin, process.platform === 'win32' ? 'python.exe' : 'python');
const stamp = join(folder, 'kplug-installed');

/** The Python of the development environment; `undefined` when that isn't there or isn't up to date. */
export function installedPython(): string | undefined {
  // The interpreter is a link to one that may have been removed.
  if (!existsSync(python) || !existsSync(stamp)) return undefined;
  return readFileSync(stamp, 'utf8') === fingerprint() ? python : undefined;
}

/**
 * Makes the development environment, with exactly the packages of `requirements-dev.txt` and the Python package from its
 * sources, unless it is there already. Returns its Python. Rejects with what to do.
 */
export async function installPython(progress: (message: string) => void): Promise<string> {
  const installed = installedPython();
  if (installed) return installed;
  const base = await findPython();
  const startedAt = performance.now();
  progress(`making ${folder} with ${base}, which takes a minute, once`);
  rmSync(folder, { recursive: true, force: true });
  await run(base, ['-m', 'venv', folder]);
  const pip = ['-m', 'pip', '--disable-pip-version-check', 'install', '--no-input', '--no-compile'];
  await run(python, [...pip, '--require-hashes', '-r', join(pythonPackage, 'requirements-dev.txt')], progress);
  // What the package needs has been installed by now, and so has what builds it.
  await run(python, [...pip, '--no-deps', '--no-build-isolation', '--editable', pythonPackage]);
  writeFileSync(stamp, fingerprint());
  progress(`done in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  return python;
}

/** As `installPython`; but where that can't be, says so and that `what` is skipped. In CI it rejects. */
export async function installPythonFor(what: string): Promise<string | undefined> {
  try {
    return await installPython((message) => console.error(`Python: ${message}`));
  } catch (error) {
    if (process.env.CI) throw error;
    console.error(`SKIPPED ${what}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** The variables of this process, with the programs of the environment on `PATH`. */
export function pythonVariables(): NodeJS.ProcessEnv {
  return { ...process.env, VIRTUAL_ENV: folder, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
}

/** Changes with whatever is installed; the package itself is used from its sources. */
function fingerprint(): string {
  const requirements = readFileSync(join(pythonPackage, 'requirements-dev.txt'));
  return createHash('sha256').update(pythonPackage).update(requirements).digest('hex');
}

function run(program: string, args: string[], progress?: (message: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const last: string[] = [];
    let packages = 0;
    const timer = setInterval(() => progress?.(`${packages} packages so far`), 10_000);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        if (/^Collecting /.test(line)) packages++;
        last.push(line);
        if (last.length > 20) last.shift();
      });
    }
    const end = (error?: Error) => {
      clearInterval(timer);
      if (error) reject(error);
      else resolve();
    };
    child.on('error', end);
    child.on('close', (code) => {
      end(code === 0 ? undefined : new Error(`${program} ${args.join(' ')} ended with ${code}:\n${last.join('\n')}`));
    });
  });
}
