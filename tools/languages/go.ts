import { join, resolve } from 'node:path';
import { inTurn } from './in-turn.ts';
import { runWithProgress } from './run-with-progress.ts';
import { ask, skipWithout } from './toolchain.ts';

/** Path of the module of the SDK in Go. */
export const goSdk = resolve(import.meta.dirname, '../../packages/sdk-go');

/** Path of the module of the example in Go. */
const goExample = resolve(import.meta.dirname, '../../examples/plugins/go');

/** Path of the program that writes a module into a proxy of files. */
export const goProxyProgram = resolve(import.meta.dirname, 'go-proxy');

/** Path of a plugin for the tests that exports its spans. */
export const tracedGoPlugin = resolve(import.meta.dirname, '../../packages/testing/src/plugins/traced-go');

/** Paths of the modules in Go whose code `pnpm check` formats and vets. */
export const goModules = [goSdk, goExample, tracedGoPlugin, goProxyProgram];

/** Environment variables of every Go command. They are always the same, so that Go compiles each package once. */
export const goVariables: NodeJS.ProcessEnv = { CGO_ENABLED: '0' };

/** Reports whether a Go that is new enough for the module is installed. If not, prints that `what` is skipped; in CI, throws. */
export async function hasGoFor(what: string): Promise<boolean> {
  if (await ask('go', ['list', '-m'], goExample)) return true;
  skipWithout('Go 1.26 or newer', what);
  return false;
}

/**
 * Builds and tests the plugin in Go and returns the command that runs it, or `undefined` if Go is not installed (in CI, rejects). Takes
 * a minute or two the first time, to compile SQLite, and then a second or two.
 */
export async function buildGoPluginFor(what: string): Promise<string[] | undefined> {
  if (!(await hasGoFor(what))) return undefined;
  const output = join(goExample, 'bin', process.platform === 'win32' ? 'sqlite-plugin.exe' : 'sqlite-plugin');
  return await inTurn(goExample, async () => {
    for (const args of [
      ['build', '-v', '-o', output, '.'],
      ['test', '.'],
    ]) {
      const command = { program: 'go', args, cwd: goExample, env: goVariables, title: 'building the plugin in Go' };
      await runWithProgress(command, (message) => console.error(message));
    }
    return [output];
  });
}
