import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './image/run.ts';
import { pythonPackage } from './python/environment.ts';
import { findPython, oldestPython } from './python/find-python.ts';

/**
 * `pnpm python:lock [ARGUMENTS]`: writes `requirements-dev.txt` from `pyproject.toml`, for every Python and platform, with the hash
 * of each file. Locked versions are kept where they fit; `--upgrade` uses the newest versions.
 */
const scratch = mkdtempSync(join(tmpdir(), 'kplug-uv-'));
try {
  run(await findPython(), ['-m', 'pip', '--disable-pip-version-check', 'install', '--target', scratch, 'uv']);
  const scope = ['--universal', '--python-version', oldestPython, '--all-extras', '--group', 'dev'];
  // Comments and the URLs of indexes differ from machine to machine.
  const form = ['--generate-hashes', '--no-header', '--no-annotate', '--no-emit-index-url', '--no-emit-find-links'];
  const files = ['pyproject.toml', '--output-file', 'requirements-dev.txt'];
  const uv = join(scratch, 'bin', process.platform === 'win32' ? 'uv.exe' : 'uv');
  run(uv, ['pip', 'compile', ...scope, ...form, ...files, ...process.argv.slice(2)], { cwd: pythonPackage });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
