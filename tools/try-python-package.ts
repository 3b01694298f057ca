import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, formatKey } from '@kplug/controller';
import { openDirectory } from '@kplug/controller/directory';
import { pino } from 'pino';
import { run } from './image/run.ts';
import { pythonPackage } from './python/environment.ts';
import { findPython } from './python/find-python.ts';

/**
 * `node tools/try-python-package.ts FOLDER`: tests the wheel and the sdist of the Python package in a folder. Installs each into an
 * environment of its own, and has an operator delegate to the plugin of the package's README.
 */
const [built] = process.argv.slice(2);
if (!built) throw new Error('usage: node tools/try-python-package.ts FOLDER');
const folder = mkdtempSync(join(tmpdir(), 'kplug-python-'));

const manifest = `
apiVersion: example.org/v1
kind: Greeting
metadata: { name: world }
spec: { who: World }
`;

/** Returns the first Python example of the README. */
function readmeExample(): string {
  const readme = readFileSync(join(pythonPackage, 'README.md'), 'utf8');
  const [, example] = /```python\n(.+?)```/s.exec(readme) ?? [];
  if (!example) throw new Error('README.md has no Python example');
  return example;
}

/** Installs a file into a new environment. Returns the environment's Python. */
async function install(file: string, name: string): Promise<string> {
  const environment = join(folder, name);
  const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  run(await findPython(), ['-m', 'venv', environment]);
  run(python, ['-m', 'pip', '--disable-pip-version-check', 'install', '--no-compile', file]);
  return python;
}

async function reconciles(python: string, name: string): Promise<void> {
  const directory = join(folder, `${name}-manifests`);
  mkdirSync(directory);
  writeFileSync(join(directory, 'world.yaml'), manifest);
  const logger = pino({ level: 'warn' });
  const resources = await openDirectory({ directory, logger });
  const base = { apiVersion: 'example.org/v1', kind: 'Greeting' };
  const delegations = [{ name: 'greetings', base, api: 'Greeting@^1.0.0' }];
  const addresses = { heartbeatAddress: '127.0.0.1:0', adminAddress: false as const };
  const controller = new Controller({ resources, delegations, logger, ...addresses });
  await controller.start();
  const plugin = spawn(python, [join(folder, 'hello.py')], {
    cwd: folder,
    env: { ...process.env, KPLUG_CONTROLLER: controller.heartbeatAddress, KPLUG_LOG_LEVEL: 'warn' },
    stdio: 'inherit',
  });
  try {
    const key = formatKey({ ...base, namespace: 'default', name: 'world' });
    for (let tries = 0; resources.get(key)?.status?.greeted !== 'World'; tries++) {
      if (tries > 100) throw new Error(`the resource was not reconciled: ${JSON.stringify(resources.get(key))}`);
      await sleep(200);
    }
  } finally {
    await end(plugin);
    await controller.stop();
  }
}

async function end(plugin: ChildProcess): Promise<void> {
  if (plugin.exitCode !== null) throw new Error(`the plugin exited with ${plugin.exitCode}`);
  const exit = once(plugin, 'exit');
  plugin.kill('SIGTERM');
  const [code] = await exit;
  if (code !== 0) throw new Error(`the plugin exited with ${code}, not with 0`);
}

try {
  writeFileSync(join(folder, 'hello.py'), readmeExample());
  const files = globSync('*.{whl,tar.gz}', { cwd: built }).sort();
  if (files.length !== 2) throw new Error(`${built} has not one wheel and one sdist, but ${files}`);
  for (const file of files) {
    const name = file.endsWith('.whl') ? 'wheel' : 'sdist';
    await reconciles(await install(resolve(built, file), name), name);
    console.log(`${file}: installs, and the plugin of its README works`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
