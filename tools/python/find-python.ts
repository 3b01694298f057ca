import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Oldest Python that the package supports, as in its `pyproject.toml`. */
export const oldestPython = '3.10';

const [major = 0, minor = 0] = oldestPython.split('.').map(Number);

// Version and path of the interpreter behind a shim or a virtual environment, which may be the one to be created again.
const question = 'import sys; print("%d.%d" % sys.version_info[:2], sys._base_executable)';

/** Path of a Python that is new enough: the value of `PYTHON`, or else one on `PATH`. Rejects with advice. */
export async function findPython(): Promise<string> {
  const commands = process.env.PYTHON ? [process.env.PYTHON] : ['python3', 'python'];
  const found: string[] = [];
  for (const command of commands) {
    const answer = await run(command, ['-c', question]).catch(() => undefined);
    const [, version, path] = /^(\d+\.\d+) (.+)/.exec(answer?.stdout ?? '') ?? [];
    if (!version || !path) continue;
    const [foundMajor = 0, foundMinor = 0] = version.split('.').map(Number);
    if (foundMajor === major && foundMinor >= minor) return path;
    found.push(`${command} is ${version}`);
  }
  throw new Error(
    `Python ${oldestPython} or newer is required: ${found.join(', ') || `${commands.join(' or ')} not found`}. ` +
      'Install one, or set PYTHON to its path.',
  );
}
