import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { installPython, pythonPackage } from '../python/environment.ts';
import { findPython } from '../python/find-python.ts';
import { execute } from './shell.ts';

/** Builds a wheel of the Python package into a folder, and returns the variables by which pip and uv find it there. */
export async function publishPython(folder: string): Promise<NodeJS.ProcessEnv> {
  mkdirSync(folder, { recursive: true });
  const python = await installPython((message) => console.log(message));
  await execute(python, ['-m', 'build', '--wheel', '--no-isolation', '--outdir', folder, pythonPackage]);
  const { PIP_FIND_LINKS: links = '' } = process.env;
  return { PIP_FIND_LINKS: `${links} ${folder}`.trim(), UV_FIND_LINKS: folder, PIP_DISABLE_PIP_VERSION_CHECK: '1' };
}

/** Installs uv into a folder. Returns the folder of its program. */
export async function installUv(folder: string): Promise<string> {
  const environment = join(folder, 'uv');
  await execute(await findPython(), ['-m', 'venv', environment]);
  await execute(join(environment, 'bin/python'), [
    '-m',
    'pip',
    'install',
    '--disable-pip-version-check',
    `uv==${uvVersion}`,
  ]);
  // Its folder has a Python, too, which is not the one of a newcomer.
  const program = join(folder, 'uv-program');
  mkdirSync(program);
  await execute('ln', ['-s', join(environment, 'bin/uv'), join(program, 'uv')]);
  return program;
}

const uvVersion = '0.13.9';
