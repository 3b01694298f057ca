import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { mutations } from './mutations.ts';

const run = promisify(execFile);
const simulation = join(import.meta.dirname, '..', 'main.ts');

/** Number of commands within which each fault is found. */
const steps = 10_000;

it.each(mutations)('finds the fault $name', { timeout: 600_000 }, async ({ name, caughtBy }) => {
  const args = [simulation, '--steps', `${steps}`, '--seed', '3', '--no-shrink', '--mutation', name];
  const { code, stderr } = await run(process.execPath, args, { maxBuffer: 2 ** 26, timeout: 500_000 }).catch(
    (error) => error,
  );
  expect(code, `${stderr}`).toBe(1);
  expect(stderr).toMatch(new RegExp(`^(${caughtBy.join('|')}): `, 'm'));
  expect(stderr).toContain('seed: 3');
  expect(stderr).toContain('History:');
});
