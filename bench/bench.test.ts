import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startTimeout } from '@kplug/testing/control-plane';
import { describe, expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);
const main = fileURLToPath(new URL('./main.ts', import.meta.url));

describe('the benchmarks', () => {
  it('measure all scenarios with their peers, and write a page with plots', {
    timeout: startTimeout + 240_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kplug-bench-page-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await run(process.execPath, [main, '--quick', '--write', folder]);
    const page = await readFile(join(folder, 'benchmarks.md'), 'utf8');
    expect(page.match(/^## .+$/gm)).toHaveLength(11);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    const plots = [...page.matchAll(/\(benchmarks\/([^)]+\.svg)\)/g)].map(([, file]) => file);
    expect(plots.length).toBeGreaterThanOrEqual(6);
    const files = await readdir(join(folder, 'benchmarks'));
    expect(new Set(files.filter((file) => file.endsWith('.svg')))).toEqual(new Set(plots));
    for (const file of plots) {
      const svg = await readFile(join(folder, 'benchmarks', file ?? ''), 'utf8');
      expect(svg).toMatch(/^<svg /);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it('update a scenario and keep the others on the page', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kplug-bench-page-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const name of ['registry', 'selection']) {
      await run(process.execPath, [main, name, '--quick', '--write', folder]);
    }
    const page = await readFile(join(folder, 'benchmarks.md'), 'utf8');
    expect(page.match(/^## .+$/gm)).toEqual(['## Selection', expect.stringMatching(/^## .*registry/i)]);
  });

  it('list the scenarios in the error for an unknown one', async () => {
    const failed = run(process.execPath, [main, 'speed']);
    await expect(failed).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/unknown scenario speed[\s\S]*heartbeats, trust, selection/),
    });
  });
});
