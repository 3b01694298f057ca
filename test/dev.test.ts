import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DevProcess, waiting } from '../packages/cli/src/testing/dev-project.ts';
import { findToolchains, makePlugin } from './made-plugin.ts';

/** Change of a source that shows in the status, and one that the language refuses, with the place that is shown. */
const changes = {
  typescript: {
    file: 'plugin.ts',
    from: 'return { status: { subnets:',
    to: `return { status: { marker: 'new', subnets:`,
    wrong: 'const x: = 1;',
    refused: /does not start: plugin\.ts:\d+ SyntaxError/,
  },
  python: {
    file: 'plugin.py',
    from: 'Result(status={"subnets"',
    to: 'Result(status={"marker": "new", "subnets"',
    wrong: 'def wrong(:',
    refused: /does not start: plugin\.py:\d+ SyntaxError/,
  },
  go: {
    file: 'reconcile.go',
    from: 'Subnets []subnet `json:"subnets"`',
    to: 'Subnets []subnet `json:"marker"`',
    wrong: 'func wrong() int { return "text" }',
    refused: /go build failed; the former code goes on\n(.*\n)* +\.\/reconcile\.go:\d+:\d+: cannot use/,
  },
};

const toolchains = await findToolchains('the tests of kplug dev');

describe.each(toolchains)('kplug dev on a generated plugin in $language', { timeout: 240_000 }, (toolchain) => {
  const { file, from, to, wrong, refused } = changes[toolchain.language];

  it('shows new code in the status, and the place of an error while the former code goes on', async () => {
    const folder = await makePlugin(toolchain);
    if (toolchain.language === 'python') {
      symlinkSync(resolve(import.meta.dirname, '../packages/sdk-python/.venv'), join(folder, '.venv'));
    }
    const source = join(folder, file);
    const original = readFileSync(source, 'utf8');
    expect(original).toContain(from);
    const dev = new DevProcess(['dev'], { cwd: folder, env: { ...toolchain.env, PATH: process.env.PATH } });
    onTestFinished(() => dev.kill());
    await dev.expect(/addressplan\/office +Ready/, 0, 120_000);

    writeFileSync(source, `${original}\n${wrong}\n`);
    await dev.expect(refused);
    const before = dev.text.length;
    writeFileSync(source, original.replace(from, to));
    const startedAt = performance.now();
    await dev.expect(/made +mended; new code runs as Made 0\.1\.0/, before);
    await dev.expect(/addressplan\/office +Ready.*marker=/, before);
    console.log(`${toolchain.language}: new code in the status after ${Math.round(performance.now() - startedAt)} ms`);

    dev.signal('SIGINT');
    expect(await dev.ended()).toBe(0);
    const processes = () => execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' });
    await vi.waitFor(() => expect(processes()).not.toContain(folder), waiting);
  });
});
