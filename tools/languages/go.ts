import { join, resolve } from 'node:path';
import { inTurn } from './in-turn.ts';
import { runWithProgress } from './run-with-progress.ts';
import { ask, skipWithout } from './toolchain.ts';

/** The module of the example in Go, from the top of the repository. */
export const goModule = resolve(import.meta.dirname, '../../examples/plugins/go');

/** What Go is run with everywhere, so that it compiles each package once. */
export const goVariables: NodeJS.ProcessEnv = { CGO_ENABLED: '0' };

/** Whether there is a Go that is new enough for the module; if not, says that `what` is skipped, and throws in CI. */
export async function hasGoFor(what: string): Promise<boolean> {
  if (await ask('go', ['list', '-m'], goModule)) return true;
  skipWithout('Go 1.26 or newer', what);
  return false;
}

/**
 * Builds and tests the plugin in Go and returns the command that runs it; a minute or two the first time, as SQLite is compiled,
 * then a second or two. `undefined` where there is no Go, but in CI that is an error.
 */
export async function buildGoPluginFor(what: string): Promise<string[] | undefined> {
  if (!(await hasGoFor(what))) return undefined;
  const output = join(goModule, 'bin', process.platform === 'win32' ? 'sqlite-plugin.exe' : 'sqlite-plugin');
  return await inTurn(goModule, async () => {
    for (const args of [
      ['build', '-v', '-o', output, '.'],
      ['test', '.'],
    ]) {
      const command = { program: 'go', args, cwd: goModule, env: goVariables, title: 'building the plugin in Go' };
      await runWithProgress(command, (message) => console.error(message));
    }
    return [output];
  });
}
