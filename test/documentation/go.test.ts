import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { goSdk, goVariables, hasGoFor, tracedGoPlugin } from '../../tools/languages/go.ts';
import { snippetsIn } from './snippets.ts';

const execute = promisify(execFile);

// In CI, a missing toolchain is a failure.
const hasGo = await hasGoFor('the test of snippets in Go');

it.skipIf(!hasGo)('every snippet in Go passes go vet and is formatted', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-snippets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const snippets = snippetsIn('go');
  expect(snippets.length).toBeGreaterThan(4);
  for (const [index, { code }] of snippets.entries()) {
    const place = join(folder, `snippet${index}`);
    mkdirSync(place);
    writeFileSync(join(place, code.includes('"testing"') ? 'snippet_test.go' : 'snippet.go'), code);
  }
  const run = (program: string, ...args: string[]) =>
    execute(program, args, { cwd: folder, env: { ...process.env, ...goVariables } });
  // With the dependencies of the SDK, and an exporter of traces, in the same versions.
  for (const file of ['go.mod', 'go.sum']) cpSync(join(tracedGoPlugin, file), join(folder, file));
  const edits = [
    '-module=example.org/snippets',
    '-require=kplug.dev/sdk-go@v0.0.0',
    `-replace=kplug.dev/sdk-go=${goSdk}`,
  ];
  await run('go', 'mod', 'edit', ...edits);
  await run('go', 'vet', '-mod=mod', './...');
  expect((await run('gofmt', '-d', '.')).stdout).toBe('');
});
