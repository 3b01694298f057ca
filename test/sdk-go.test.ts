import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { goSdk, goVariables, hasGoFor } from '../tools/languages/go.ts';
import { ask, skipWithout } from '../tools/languages/toolchain.ts';

const execute = promisify(execFile);

// In CI, a missing toolchain is a failure.
const hasGo = await hasGoFor('the tests of the SDK in Go');
// The race detector is written in C.
const hasCompiler =
  (await ask('cc', ['--version'])) !== undefined || skipWithout('C compiler', "Go's race detector") !== undefined;

it.skipIf(!hasGo)('the SDK in Go passes its own tests, without data races', { timeout: 400_000 }, async () => {
  const race = hasCompiler ? ['-race'] : [];
  const env = { ...process.env, ...goVariables, ...(hasCompiler && { CGO_ENABLED: '1' }) };
  const { stdout } = await execute('go', ['test', ...race, './...'], { cwd: goSdk, env }).catch(
    (failure: { stdout: string }) => failure,
  );
  expect(stdout).toMatch(/^ok\s+kplug\.dev\/sdk-go\s/m);
  expect(stdout).not.toContain('FAIL');
});
