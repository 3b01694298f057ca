import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npmVariables } from './day-one/client-environment.ts';
import { publishGo } from './day-one/go-module.ts';
import { LocalRegistry } from './day-one/local-registry.ts';
import { publishPython } from './day-one/python-packages.ts';
import { execute } from './day-one/shell.ts';
import { ask } from './languages/toolchain.ts';

/**
 * `pnpm packages:serve`: publishes the packages of this repository on this machine, until it is interrupted, and prints the variables with which
 * other terminals install them. Python and Go are left out where they are missing.
 */
const folder = mkdtempSync(join(tmpdir(), 'kplug-packages-'));
try {
  console.error('building and publishing the packages; takes a minute');
  await execute('pnpm', ['build']);
  mkdirSync(join(folder, 'tarballs'));
  await using registry = await LocalRegistry.start(join(folder, 'registry'));
  await registry.publish(join(folder, 'tarballs'));
  const python = await publishPython(join(folder, 'wheels')).catch(leaveOut('Python'));
  const go = (await ask('go', ['version']))
    ? await publishGo(join(folder, 'go'))
    : leaveOut('Go')(new Error('no go on PATH'));
  console.error('In each terminal in which you install them:\n');
  for (const [name, value] of Object.entries({ ...npmVariables(registry.url, folder), ...python, ...go }))
    console.log(`export ${name}='${value}'`);
  console.error('\nThe packages are served until you press Ctrl+C here.');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function leaveOut(language: string): (error: Error) => NodeJS.ProcessEnv {
  return ({ message }) => {
    console.error(`without the package for ${language}: ${message}`);
    return {};
  };
}
